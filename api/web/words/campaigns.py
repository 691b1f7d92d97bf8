"""Campaigns and their progress."""

WORDS: dict[str, tuple[str, str]] = {
    "camp_title": ("Đợt tuyên truyền", "Campaigns"),
    "camp_intro": (
        "Bản tin gắn với một đợt được đếm vào chỉ tiêu của đợt; báo cáo năm lấy số liệu từ đây.",
        "Bulletins that belong to a campaign count towards its goals; the yearly report is made of these figures.",
    ),
    "camp_new": ("Tạo đợt tuyên truyền", "Plan a campaign"),
    "camp_none": (
        "Chưa có đợt nào. Ví dụ: “Nghị quyết 57”, từ tháng 1 đến tháng 12, 100 lượt phát, 3 nhóm nội dung.",
        "No campaigns yet. Such as: “Resolution 57”, January to December, 100 airings, 3 content groups.",
    ),
    "camp_on": ("đang diễn ra", "on"),
    "camp_to_come": ("sắp tới", "to come"),
    "camp_over": ("đã kết thúc", "over"),
    "camp_so_far": (
        "Đã phát %(airings)s lượt, %(minutes)s phút, %(communes)s xã",
        "%(airings)s airings, %(minutes)s minutes, %(communes)s communes so far",
    ),
    "camp_edit": ("Sửa", "Change it"),
    "camp_progress": ("Tiến độ", "Progress"),
    "camp_progress_long": (
        "Chỉ đếm lượt phát mà ít nhất một máy xác nhận đã phát, trong thời gian của đợt.",
        "Only airings that at least one receiver confirmed to have played count, within the period.",
    ),
    "camp_airings": ("Lượt phát", "Airings"),
    "camp_minutes": ("Phút phát", "Minutes"),
    "camp_communes": ("Số xã đã phát", "Communes"),
    "camp_of": ("%(reached)s / %(goal)s", "%(reached)s / %(goal)s"),
    "camp_no_goal": ("(không đặt chỉ tiêu)", "(no goal)"),
    "camp_planned": ("Còn %(planned)s lượt phát đã lên lịch.", "%(planned)s more airings are planned."),
    "camp_groups": ("Nhóm nội dung", "Content groups"),
    "camp_group": ("Nhóm", "Group"),
    "camp_ungrouped": ("Không thuộc nhóm nào", "Of no group"),
    "camp_groups_none": (
        "Đợt này không chia nhóm nội dung. Thêm nhóm để biết nội dung nào được nói đến nhiều, ít.",
        "It has no content groups. Add some to see what is spoken of much and what little.",
    ),
    "camp_groups_hint": ("Mỗi dòng một nhóm.", "One a line."),
    "camp_name": ("Tên đợt", "Name"),
    "camp_name_hint": (
        "Như trong kế hoạch: Nghị quyết 57, Tháng an toàn giao thông.",
        "As the plan calls it: Resolution 57, Road safety month.",
    ),
    "camp_starts": ("Ngày đầu", "First day"),
    "camp_ends": ("Ngày cuối", "Last day"),
    "camp_goals": ("Chỉ tiêu", "Goals"),
    "camp_goals_hint": ("Để trống nếu kế hoạch không đặt.", "Leave empty what the plan does not ask for."),
    "camp_save": ("Lưu", "Save"),
    "done_campaign_saved": ("Đã lưu đợt tuyên truyền.", "The campaign is saved."),
}
