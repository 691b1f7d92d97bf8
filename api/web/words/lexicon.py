"""The lexicon of areas."""

WORDS: dict[str, tuple[str, str]] = {
    "lexicon": ("Từ điển phát âm", "Lexicon"),
    "lexicon_intro": (
        "Cách đọc ở đây được dùng cho mọi bản tin của %(area)s và các địa bàn bên dưới. Mục của địa bàn gần nhất được ưu tiên.",
        "These readings count for all bulletins of %(area)s and the areas below. The nearest area's entry goes first.",
    ),
    "lexicon_written": ("Viết", "Written"),
    "lexicon_written_hint": (
        "Đúng như trong bản tin, ví dụ OCOP, Đắk Lắk",
        "As it stands in bulletins, such as OCOP, Đắk Lắk",
    ),
    "lexicon_reading": ("Đọc là", "Read as"),
    "lexicon_reading_hint": (
        "Viết các âm tiết như khi đọc thành tiếng, ví dụ ốc cốp",
        "Vietnamese syllables as they are spoken, such as ốc cốp",
    ),
    "lexicon_spelled": ("Đọc từng chữ cái (bỏ trống ô trên)", "Name its letters one by one (leave the reading empty)"),
    "lexicon_note": ("Ghi chú (không đọc)", "Note (not spoken)"),
    "lexicon_of": ("Của", "Of"),
    "lexicon_own": ("địa bàn này", "this area"),
    "lexicon_add": ("Thêm cách đọc", "Add a reading"),
    "lexicon_change": ("Sửa cách đọc", "Change a reading"),
    "lexicon_save": ("Lưu cách đọc", "Save the reading"),
    "lexicon_edit": ("Sửa", "Change"),
    "lexicon_edit_of": ("Sửa cách đọc %(written)s", "Change the reading of %(written)s"),
    "lexicon_override": ("Đọc khác ở đây", "Read otherwise here"),
    "lexicon_override_of": ("Đọc %(written)s khác ở đây", "Read %(written)s otherwise here"),
    "lexicon_remove": ("Bỏ", "Remove"),
    "lexicon_remove_of": ("Bỏ cách đọc %(written)s", "Remove the reading of %(written)s"),
    "lexicon_search": ("Tìm trong từ điển", "Search the lexicon"),
    "lexicon_count": ("%(found)s trên %(all)s mục", "%(found)s of %(all)s entries"),
    "lexicon_more": (
        "Chỉ hiện %(shown)s mục đầu. Gõ thêm chữ vào ô tìm để thu hẹp.",
        "Only the first %(shown)s are shown. Type more letters to narrow the search.",
    ),
    "lexicon_empty": (
        "Chưa có cách đọc riêng nào. Khi một chữ viết tắt hay tên riêng bị đọc sai, thêm nó ở đây: từ đó mọi bản tin của địa bàn đều đọc đúng.",
        "No readings of its own yet. When a short form or a name is read wrongly, add it here: from then on every bulletin of the area reads it right.",
    ),
    "lexicon_not_found": ("Không có mục nào khớp.", "No entry fits."),
    "lexicon_history": ("Lịch sử", "History"),
    "lexicon_history_of": ("Lịch sử từ điển", "History of the lexicon"),
    "lexicon_history_empty": ("Chưa có thay đổi nào.", "Nothing was changed yet."),
    "lexicon_by": ("Người thêm", "Added by"),
    "lexicon_from": ("Từ", "From"),
    "lexicon_until": ("Đến", "Until"),
    "lexicon_in_force": ("đang dùng", "in force"),
    "lexicon_done": ("“%(written)s” từ nay đọc là “%(spoken)s”.", "“%(written)s” is read “%(spoken)s” from now on."),
    "lexicon_removed": (
        "Đã bỏ cách đọc riêng của “%(written)s”; cách đọc của cấp trên được dùng lại.",
        "The area's own reading of “%(written)s” is removed; what stands above it holds again.",
    ),
    "spoken_anew": ("Bản tin được đọc lại", "Bulletins that are spoken anew"),
    "spoken_anew_why": (
        "Chưa phê duyệt nên âm thanh được làm lại với cách đọc mới. Nên nghe lại trước khi gửi duyệt.",
        "They are not released yet: their speech is made again. Listen again before you submit them.",
    ),
    "spoken_anew_none": (
        "Không có bản tin nào đang chờ phải đọc lại.",
        "No bulletin that waits has to be spoken anew.",
    ),
    "spoken_unchanged": ("Bản tin giữ cách đọc cũ", "Bulletins that keep the old reading"),
    "spoken_unchanged_why": (
        "Đã phê duyệt đúng như đã nghe, nên không tự đổi. Muốn đổi: sửa bản tin rồi gửi duyệt lại.",
        "They were released as they sound, and do not change by themselves. To change one, edit it and submit it again.",
    ),
    "lexicon_back": ("Về từ điển", "Back to the lexicon"),
    "area_pages_none": (
        "Đài chưa có địa bàn nào, nên chưa có gì để đặt ở đây. Địa bàn được nhập khi lập đài; nhờ người quản trị hệ thống.",
        "The station has no areas yet, so nothing can be set here. Areas are entered when it is founded; ask its administrator.",
    ),
}
