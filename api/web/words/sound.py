"""How areas sound."""

WORDS: dict[str, tuple[str, str]] = {
    "sound": ("Giọng và âm thanh", "Voice and sound"),
    "sound_intro": (
        "Cài đặt ở đây dùng cho %(area)s và các địa bàn bên dưới. Để trống thì theo cấp trên.",
        "These settings count for %(area)s and the areas below. What is left open is as above.",
    ),
    "sound_now": ("Đang dùng ở đây", "In force here"),
    "sound_as_above": ("Theo cấp trên: %(given)s", "As above: %(given)s"),
    "sound_voice": ("Giọng đọc", "Voice"),
    "sound_rate": ("Tốc độ đọc (từ/phút)", "Rate (words a minute)"),
    "sound_rate_hint": (
        "80 – 260; loa ngoài trời nên đọc chậm, 120 – 150. Để trống: theo cấp trên, %(given)s",
        "80 – 260; slow is better out of doors, 120 – 150. Empty: as above, %(given)s",
    ),
    "sound_pitch": ("Cao độ", "Pitch"),
    "sound_pitch_hint": (
        "0 – 100; 50 là giọng gốc. Để trống: theo cấp trên, %(given)s",
        "0 – 100; 50 is the voice's own. Empty: as above, %(given)s",
    ),
    "sound_equaliser": ("Chỉnh âm sắc", "Equaliser"),
    "equaliser_none": ("Không chỉnh", "None"),
    "equaliser_horn": ("Cho loa nén ngoài trời", "For horn loudspeakers out of doors"),
    "sound_call": ("Lời xướng đầu bản tin", "What the station says first"),
    "sound_call_own": ("Đọc câu dưới đây", "Say what stands below"),
    "sound_call_none": ("Không xướng", "Nothing"),
    "sound_call_text": ("Câu xướng riêng", "Own call"),
    "sound_call_hint": (
        "Ví dụ: Đây là Đài truyền thanh xã Tân Phong.",
        "Such as: Đây là Đài truyền thanh xã Tân Phong.",
    ),
    "sound_repeats": ("Đọc lại", "Read again"),
    "sound_repeats_0": ("Đọc một lần", "Read once"),
    "sound_repeats_n": ("Đọc rồi nhắc lại %(number)s lần", "Read, then again %(number)s times"),
    "sound_jingle": ("Nhạc hiệu", "Jingle"),
    "sound_jingle_none": ("Không có nhạc hiệu", "No jingle"),
    "sound_jingle_some": ("Có nhạc hiệu", "With a jingle"),
    "sound_jingle_hint": (
        "Chọn trong các tệp nhạc hiệu đã tải lên. Chưa có tệp nào thì danh sách chỉ có hai dòng đầu.",
        "One of the jingles that were uploaded. While there are none, the list has its first two lines only.",
    ),
    "sound_chime": ("Nhạc hiệu và tiếng chuông mở đầu", "Jingle and opening chime"),
    "sound_chime_yes": ("Nhạc hiệu thay tiếng chuông", "The jingle in place of the chime"),
    "sound_chime_no": ("Chuông rồi đến nhạc hiệu", "The chime, then the jingle"),
    "sound_save": ("Lưu", "Save"),
    "done_sound_saved": (
        "Đã lưu. Bản tin soạn từ nay nghe như thế này.",
        "Saved. What is written from now on sounds so.",
    ),
    "voice_vi": ("Giọng miền Bắc", "Northern voice"),
    "voice_vi-vn-x-central": ("Giọng miền Trung", "Central voice"),
    "voice_vi-vn-x-south": ("Giọng miền Nam", "Southern voice"),
    "sound_speech_off": (
        "Máy đọc đang khởi động, chưa biết có những giọng nào. Tải lại trang sau vài giây.",
        "Speech is starting; its voices are not known yet. Load the page again in some seconds.",
    ),
}
