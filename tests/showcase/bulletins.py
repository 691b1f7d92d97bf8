"""What xã Tân Phong says in a week of November 2026."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.brokers import wait_for
from tests.integration.serving import ServedStation
from tests.showcase.commune import COMMUNE

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    """An instant in November 2026, at the station."""
    return datetime(2026, 11, day, hour, minute, second, tzinfo=ZONE)


@dataclass(frozen=True)
class Text:
    """A bulletin and when it airs."""

    title: str
    text: str
    times: tuple[datetime, ...] = ()
    areas: tuple[str, ...] = (COMMUNE,)
    by: str = "mai"
    more: dict[str, Any] = field(default_factory=dict)

    def body(self, campaign: str) -> dict[str, Any]:
        """As REST takes it."""
        plan = [
            {"rule": {"kind": "once", "at": time.isoformat()}, "targets": {"areas": list(self.areas)}}
            for time in self.times
        ]
        more = self.more | ({"campaign": campaign} if "content_group" in self.more else {})
        return {"title": self.title, "text": self.text, "plan": plan, "field": "chuyển đổi số", **more}


RESOLUTION = Text(
    "Nghị quyết 57 về với thôn, xóm",
    "Thực hiện Nghị quyết số 57-NQ/TW ngày 22/12/2024 của Bộ Chính trị về đột phá phát triển khoa học, công nghệ, đổi mới "
    "sáng tạo và chuyển đổi số quốc gia, Ủy ban nhân dân xã mời bà con dự buổi nói chuyện tại nhà văn hóa các thôn, lúc "
    "19h30 ngày 05/12.\nTại buổi nói chuyện, cán bộ xã giới thiệu những việc bà con được lợi: nộp hồ sơ trực tuyến không "
    "phải đi xa, khám bệnh bằng căn cước công dân, bán nông sản trên sàn thương mại điện tử. Thanh niên trong xã hướng dẫn "
    "từng người dùng điện thoại thông minh an toàn, cách nhận ra cuộc gọi lừa đảo.\nMỗi nhà cử ít nhất một người tham dự. "
    "Người cao tuổi và bà con ở xa có xe đón tại đầu thôn từ 19 giờ. Kính mời bà con đến đông đủ.",
    (at(24, 5), at(24, 17), at(25, 17), at(26, 5)),
    more={
        "content_group": "Khoa học, công nghệ",
        "card_text": "Nói chuyện Nghị quyết 57: 19h30 ngày 05/12, nhà văn hóa thôn",
    },
)
VACCINES = Text(
    "Lịch tiêm chủng tháng 12",
    "Trạm y tế xã tiêm chủng mở rộng cho trẻ em vào sáng ngày 05/12, từ 7 giờ 30 đến 11 giờ. Gia đình mang theo sổ tiêm và "
    "cho trẻ ăn no trước khi tiêm.",
    (at(24, 5, 2), at(24, 17, 2), at(27, 5)),
    by="lan",
    more={"field": "y tế"},
)
POWER = Text(
    "Tạm ngừng cấp điện để sửa đường dây",
    "Điện lực tạm ngừng cấp điện thôn Đông và thôn Đoài từ 8 giờ đến 11 giờ ngày 26/11 để sửa đường dây. Bà con tắt các "
    "thiết bị điện trước khi ra khỏi nhà.",
    (at(25, 17, 5), at(26, 5, 5)),
    areas=("thon-dong", "thon-doai"),
    by="lan",
    more={"field": "thông tin chung", "priority": "priority"},
)
ONLINE = Text(
    "Nộp hồ sơ tại nhà",
    "Từ ngày 01/12, bà con đăng ký khai sinh trên Cổng dịch vụ công quốc gia được miễn lệ phí. Kết quả trả sau 2 đến 3 ngày "
    "làm việc. Ai chưa quen máy tính, mời đến bộ phận một cửa vào sáng thứ Ba hoặc thứ Năm, có cán bộ giúp từng bước.",
    more={"programme": "chuyen-doi-so", "content_group": "Chuyển đổi số"},
)
RELEASED = (RESOLUTION, VACCINES, POWER, ONLINE)

FIGURES = Text(
    "Chuyển đổi số ở xã ta",
    "Quý III năm 2026, xã đã số hóa 12.480 hồ sơ, đạt 96,5% kế hoạch. Từ ngày 1 đến 5/12, tổ công nghệ số cộng đồng đến từng "
    "nhà hướng dẫn bà con cài đặt VNeID.",
    (at(27, 17),),
    more={"content_group": "Chuyển đổi số"},
)
SKILLS = Text(
    "Mười buổi tối học kỹ năng số",
    "Đoàn Thanh niên xã mở lớp kỹ năng số miễn phí cho người từ 50 tuổi trở lên, học từ 19h30 đến 21h00, bắt đầu ngày 08/12 "
    "tại hội trường Ủy ban nhân dân xã. Mỗi lớp 30 người. Bà con đăng ký với trưởng thôn trước 16 giờ ngày 06/12.",
    (at(26, 17), at(28, 5)),
    more={"content_group": "Kỹ năng số cho người dân"},
)
WAITING = (SKILLS, FIGURES)

RETURNED = Text(
    "Thu gom rác thải nhựa", "Sáng Chủ nhật, mời bà con ra đường làng thu gom rác thải nhựa.", (at(29, 5),), by="lan"
)
PASTED = (
    "Ngày hội Chuyển đổi số xã Tân Phong\n"
    "Thực hiện Kế hoạch số 30/KH-UBND về Nghị quyết 57, đúng 19h30 ngày 10/12 tổ TCNSCĐ hướng dẫn bà con cài đặt VNeID, nộp hồ "
    "sơ trực tuyến và nhận biết lừa đảo trên mạng.\nKính mời bà con đến nhà văn hóa thôn tham dự."
)


def write(served: ServedStation, text: Text, campaign: str) -> dict[str, Any]:
    """A draft with its speech, its readings confirmed."""
    client = served.as_person(text.by)
    answer = client.post("/api/v1/bulletins", json=text.body(campaign))
    assert answer.status_code == 201, answer.text
    made = spoken(served, answer.json()["id"], text.by)
    if uncertain := made["quality"]["uncertain"]:
        chosen = {(each["text"], each["reading"]) for each in uncertain}
        body = {"revision": made["revision"], "readings": [{"text": a, "proposed": b} for a, b in sorted(chosen)]}
        answer = client.put(f"/api/v1/bulletins/{made['id']}/readings", json=body)
        assert answer.status_code == 200, answer.text
        made = spoken(served, made["id"], text.by)
    return made


def spoken(served: ServedStation, bulletin: str, by: str) -> dict[str, Any]:
    """The bulletin when its speech is made."""
    client, path = served.as_person(by), f"/api/v1/bulletins/{bulletin}"
    wait_for(lambda: client.get(path).json()["rendering"] != "pending", 120, "the speech")
    made: dict[str, Any] = client.get(path).json()
    assert made["rendering"] == "done", made
    return made


def submit(served: ServedStation, made: dict[str, Any], by: str) -> None:
    """Ask for release."""
    answer = served.as_person(by).post(
        f"/api/v1/bulletins/{made['id']}/submission", json={"revision": made["revision"]}
    )
    assert answer.status_code == 200, answer.text


def release(served: ServedStation, bulletin: str) -> None:
    """The second person's yes."""
    client = served.as_person("hoa")
    seen = client.get(f"/api/v1/bulletins/{bulletin}/release-preview").json()
    answer = client.post("/api/v1/releases", json={"bulletin": bulletin, "content_sha256": seen["content_sha256"]})
    assert answer.status_code == 201, answer.text


def publish(served: ServedStation, ids: dict[str, str]) -> None:
    """The week's bulletins: released, waiting, returned, and one that is not finished. Their ids come into `ids`."""
    for text in RELEASED:
        made = write(served, text, ids["campaign"])
        submit(served, made, text.by)
        release(served, made["id"])
        ids[_key(text)] = made["id"]
    for text in WAITING:
        made = write(served, text, ids["campaign"])
        submit(served, made, text.by)
        ids[_key(text)] = made["id"]
    _edited(served, ids)
    made = write(served, RETURNED, ids["campaign"])
    submit(served, made, RETURNED.by)
    answer = served.as_person("hoa").post(
        f"/api/v1/bulletins/{made['id']}/return", json={"reason": "Ghi rõ mấy giờ và tập trung ở đâu."}
    )
    assert answer.status_code == 204, answer.text
    ids[_key(RETURNED)] = made["id"]


def _edited(served: ServedStation, ids: dict[str, str]) -> None:
    """One that waits was asked about before, so that its approver sees what has changed since."""
    client, path = served.as_person("mai"), f"/api/v1/bulletins/{ids[_key(SKILLS)]}"
    body = SKILLS.body(ids["campaign"])
    body["text"] = body["text"].replace("Mỗi lớp 30 người.", "Mỗi lớp 40 người, có chỗ gửi xe.")
    revision = client.get(path).json()["revision"]
    answer = client.put(path, json=body, params={"revision": revision})
    assert answer.status_code == 200, answer.text
    made = spoken(served, ids[_key(SKILLS)], "mai")
    submit(served, made, "mai")


def _key(text: Text) -> str:
    return next(name.lower() for name, value in globals().items() if value is text)
