"""Absences and deputies."""

WORDS: dict[str, tuple[str, str]] = {
    "absences": ("Vắng mặt và duyệt thay", "Absence and deputy"),
    "absences_noted": ("Đã báo vắng", "Noted absences"),
    "absences_none": (
        "Chưa báo vắng lần nào. Trước khi đi vắng, báo ở đây và cử người duyệt thay để bản tin không phải chờ.",
        "No absence is noted. Note it here before you leave and name a deputy, so that bulletins need not wait.",
    ),
    "absence_deputed": (
        "%(deputy)s duyệt thay %(name)s, từ %(begins)s đến %(ends)s",
        "%(deputy)s releases in the place of %(name)s, from %(begins)s until %(ends)s",
    ),
    "absence_deputy_away": (
        "Nhưng %(deputy)s cũng báo vắng trong thời gian này. Hãy kết thúc rồi báo lại, cử người khác.",
        "But %(deputy)s is noted as away in that time too. End this and note it anew with another deputy.",
    ),
    "absence_deputy_disabled": (
        "Nhưng tài khoản của %(deputy)s đã bị khóa. Hãy kết thúc rồi báo lại, cử người khác.",
        "But the account of %(deputy)s is disabled. End this and note it anew with another deputy.",
    ),
    "absence_stood_in": (
        "Duyệt thay: %(deputy)s thay %(name)s, từ %(begins)s đến %(ends)s",
        "As deputy: %(deputy)s in the place of %(name)s, from %(begins)s until %(ends)s",
    ),
    "absence_alone": (
        "%(name)s vắng từ %(begins)s đến %(ends)s, chưa cử người duyệt thay",
        "%(name)s is away from %(begins)s until %(ends)s, without a deputy",
    ),
    "absence_now": ("đang vắng", "away now"),
    "absence_everywhere": ("Mọi nơi người này được duyệt", "Wherever this person releases"),
    "absence_end": ("Kết thúc", "End it"),
    "absence_end_of": ("Kết thúc lần vắng từ %(begins)s", "End the absence from %(begins)s"),
    "absence_note": ("Báo vắng", "Note an absence"),
    "absence_first": ("Ngày đầu", "First day"),
    "absence_last": ("Ngày cuối", "Last day"),
    "absence_last_hint": (
        "Hết ngày này quyền duyệt thay tự hết hiệu lực.",
        "At the end of this day the deputy's right ends by itself.",
    ),
    "absence_deputy": ("Người duyệt thay", "Deputy"),
    "absence_deputy_hint": (
        "Được duyệt trong thời gian đó, nhưng không duyệt bản tin của chính mình hay của người mình thay, và không ủy quyền tiếp.",
        "May release in that time, but nothing of their own or of whoever they stand in for, and cannot pass it on.",
    ),
    "absence_nobody": ("Chưa cử ai", "Nobody"),
    "absence_area": ("Ở địa bàn", "In the area"),
    "absence_reason": ("Lý do (nếu cần)", "Reason, if need be"),
    "absence_you": (
        "Bạn duyệt thay %(name)s, từ %(begins)s đến %(ends)s. Tên bạn và tên người được thay được ghi vào lần duyệt và nhật ký.",
        "You release in the place of %(name)s, from %(begins)s until %(ends)s. Both names are written into the release and the audit trail.",
    ),
    "absence_released_by": ("Đã duyệt: %(name)s, %(at)s", "Released by %(name)s, %(at)s"),
    "done_absence_noted": ("Đã báo vắng.", "The absence is noted."),
    "done_absence_ended": ("Đã kết thúc lần vắng mặt.", "The absence is ended."),
    "action_account-absence-noted": ("Báo vắng, cử người duyệt thay", "Absence noted, deputy named"),
    "action_account-absence-ended": ("Kết thúc vắng mặt", "Absence ended"),
}
