"""Groups of targets."""

WORDS: dict[str, tuple[str, str]] = {
    "groups": ("Nhóm thiết bị", "Groups"),
    "groups_intro": (
        "Nhóm là nơi phát được lưu tên để chọn nhanh khi soạn bản tin. Bản tin đã duyệt giữ nơi phát của lúc duyệt.",
        "A group is a choice of places under a name, at hand when a bulletin is written. What was released keeps the places of then.",
    ),
    "groups_new": ("Tạo nhóm", "Make a group"),
    "groups_none": (
        "Chưa có nhóm nào. Ví dụ: “Các thôn ven sông” để báo lũ, “Loa gần trường” để báo nghỉ học.",
        "No groups yet. Such as: “Villages by the river” for floods, “Near the schools” for days off.",
    ),
    "group_receivers": ("%(number)s thiết bị", "%(number)s receivers"),
    "group_holds": ("Gồm: %(names)s", "Holds: %(names)s"),
    "group_without": ("Trừ: %(names)s", "Without: %(names)s"),
    "group_only_loudspeaker": ("Chỉ cụm loa", "Loudspeakers only"),
    "group_only_screen": ("Chỉ màn hình LED", "LED screens only"),
    "group_name": ("Tên nhóm", "Name of the group"),
    "group_kinds": ("Loại thiết bị", "Kinds"),
    "group_chosen": ("Gồm những nơi nào", "Which places"),
    "group_chosen_hint": (
        "Chọn một địa bàn là chọn mọi thiết bị trong đó, kể cả thiết bị thêm về sau.",
        "An area means all receivers in it, those added later too.",
    ),
    "group_excluded": ("Trừ ra", "Without"),
    "group_elsewhere": ("Đã chọn ở nơi khác", "Chosen elsewhere"),
    "group_large": (
        "Đài có nhiều thiết bị nên mỗi lần hiện một địa bàn: %(area)s. Lưu trước khi mở địa bàn khác.",
        "The station is large: one area is shown at a time, %(area)s. Save before you open another.",
    ),
    "group_communes": (
        "Ở đây chọn cả xã; mở một xã để chọn từng thôn, từng máy.",
        "Whole communes are chosen here; open one to choose villages and receivers.",
    ),
    "group_save": ("Lưu nhóm", "Save the group"),
    "group_remove": ("Bỏ nhóm", "Remove the group"),
    "group_remove_long": (
        "Bản tin đã duyệt vẫn phát như cũ. Bản tin đang soạn có chọn nhóm này phải chọn lại nơi phát.",
        "What was released airs as before. A bulletin being written that names this group needs other places.",
    ),
    "group_sure": ("Tôi muốn bỏ nhóm này", "I want to remove this group"),
    "done_group_saved": ("Đã lưu nhóm.", "The group is saved."),
    "done_group_removed": ("Đã bỏ nhóm.", "The group is removed."),
}
