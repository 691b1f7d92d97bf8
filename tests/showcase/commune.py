"""Xã Tân Phong: its villages, its people, forty loudspeakers and four screens, and the rules by which it speaks."""

from datetime import date, time
from math import cos, pi, sin

from broadcaster.campaigns import CampaignPlan, Goals
from broadcaster.emergencies import Blank, TemplateContent
from broadcaster.people import Actor, Role
from broadcaster.reorganisation.effects import Ending, NewArea, ReorganisationPlan
from broadcaster.station import Station
from broadcaster.storage.models import Area, Receiver
from broadcaster.targets import Targets
from devices.receiver.provision import Provision
from devices.wire.messages import Kind
from devices.wire.signing import SigningKey
from schedules.policies import TEMPLATES, Policy
from schedules.policy_rules import ClosedDays, QuietHours
from schedules.programmes import Programme, Slot
from schedules.recurrence import Recurring
from tests.integration.serving import ServedStation

STATION = "Đài truyền thanh xã Tân Phong"
PROVINCE, COMMUNE = "tinh-song-hong", "xa-tan-phong"
VILLAGES = {
    "dong": "Thôn Đông",
    "doai": "Thôn Đoài",
    "thuong": "Thôn Thượng",
    "ha": "Thôn Hạ",
    "trung": "Thôn Trung",
    "mai-xa": "Thôn Mai Xá",
    "phu-loc": "Thôn Phú Lộc",
    "bai": "Xóm Bãi",
}
SPOTS = {"nha-van-hoa": "nhà văn hóa", "dinh": "đình làng", "nga-tu": "ngã tư", "dau-lang": "đầu làng", "cho": "chợ"}
SCREENS = {
    "led-ubnd": "Màn hình LED UBND xã",
    "led-tram-y-te": "Màn hình LED trạm y tế",
    "led-cho": "Màn hình LED chợ Tân Phong",
    "led-truong": "Màn hình LED trường THCS",
}
PEOPLE = {
    "mai": ("Nguyễn Thị Mai", Role.EDITOR, COMMUNE),
    "lan": ("Đỗ Ngọc Lan", Role.EDITOR, COMMUNE),
    "hoa": ("Trần Văn Hòa", Role.APPROVER, COMMUNE),
    "son": ("Hoàng Văn Sơn", Role.APPROVER, COMMUNE),
    "viet": ("Lê Quốc Việt", Role.OPERATOR, COMMUNE),
    "xem": ("Vũ Thị Hạnh", Role.VIEWER, COMMUNE),
    "quan": ("Phạm Minh Quân", Role.ADMINISTRATOR, None),
}


def password(username: str) -> str:
    """As `ServedStation` logs them in."""
    return f"mật khẩu của {username}"


def found(station: Station) -> None:
    """Areas and people, once."""
    station.database.migrate()
    with station.database.writing() as session:
        if session.get(Area, PROVINCE) is not None:
            return
        for area, name, kind, parent in (
            (PROVINCE, "Tỉnh Sông Hồng", "province", None),
            (COMMUNE, "Xã Tân Phong", "commune", PROVINCE),
            ("xa-tan-hung", "Xã Tân Hưng", "commune", PROVINCE),
            *((f"thon-{village}", name, "village", COMMUNE) for village, name in VILLAGES.items()),
        ):
            session.add(Area(id=area, name=name, kind=kind, parent_id=parent, valid_from=date(2025, 7, 1)))
            session.flush()
    for username, (name, role, area) in PEOPLE.items():
        station.people.add(username=username, name=name, role=role, area=area, password=password(username))


def found_nothing(station: Station) -> None:
    """An administrator alone."""
    station.database.migrate()
    name, role, _ = PEOPLE["quan"]
    station.people.add(username="quan", name=name, role=role, password=password("quan"))


def receivers() -> list[tuple[str, str, Kind, str]]:
    """Id, name, kind and area of each."""
    made: list[tuple[str, str, Kind, str]] = [
        (f"loa-{village}-{spot}", f"Cụm loa {where} {name[:1].lower()}{name[1:]}", "loudspeaker", f"thon-{village}")
        for village, name in VILLAGES.items()
        for spot, where in SPOTS.items()
    ]
    return [*made, *((screen, name, "screen", COMMUNE) for screen, name in SCREENS.items())]


def enrol(station: Station) -> list[tuple[Provision, SigningKey]]:
    """Every receiver in service; what each of them then holds."""
    members, operator = [], station.log_ins.log_in("viet", password("viet"))[1]
    for receiver, name, kind, area in receivers():
        key = SigningKey.generate()
        secret = station.enrol(
            receiver=receiver, name=name, kind=kind, area=area, public_key=key.public(), actor=operator
        )
        members.append((station.provision(receiver, secret), key))
    with station.database.writing() as session:
        villages = [f"thon-{village}" for village in VILLAGES]
        for number, (receiver, _, _, area) in enumerate(receivers()):
            row = session.get_one(Receiver, receiver)
            # Villages around the commune's centre, in each a receiver every few hundred metres.
            turn = 2 * pi * villages.index(area) / len(villages) if area in villages else 0.0
            far, step = (0.018, 0.004) if area in villages else (0.0, 0.003)
            row.latitude = round(20.94 + far * sin(turn) + step * sin(2.4 * number), 6)
            row.longitude = round(106.33 + far * cos(turn) + step * cos(2.4 * number), 6)
    return members


def furnish(served: ServedStation) -> dict[str, str]:
    """Rules, words, programmes, a campaign, groups, templates and a merger; ids by name."""
    station = served.station
    mai, hoa, viet, quan = (station.log_ins.log_in(name, password(name))[1] for name in ("mai", "hoa", "viet", "quan"))
    station.policies.set(quan, PROVINCE, _policy(), revision=0)
    for written, reading in (("OCOP", "ốc cốp"), ("VNeID", "vi en i đi"), ("QR", "quy rờ")):
        station.lexicons.put(mai, COMMUNE, written=written, reading=reading)
    ids = {
        "campaign": station.campaigns.save(
            mai,
            CampaignPlan(
                name="Nghị quyết 57",
                starts_on=date(2026, 1, 1),
                ends_on=date(2026, 12, 31),
                content_groups=("Khoa học, công nghệ", "Chuyển đổi số", "Kỹ năng số cho người dân"),
                goals=Goals(airings=120, minutes=300, communes=1),
                area=COMMUNE,
            ),
        ),
        "merger": station.reorganisations.plan(
            quan,  # who serves the whole station: a merger concerns two communes
            ReorganisationPlan(
                title="Sáp nhập xã Tân Phong và xã Tân Hưng",
                day=date(2027, 7, 1),
                areas=(NewArea(id="xa-tan-phu", name="Xã Tân Phú", kind="commune", parent=PROVINCE),),
                endings=(
                    Ending(area=COMMUNE, into=("xa-tan-phu",)),
                    Ending(area="xa-tan-hung", into=("xa-tan-phu",)),
                ),
            ),
        ),
        "group": station.groups.save(
            viet,
            name="Các cụm loa ven đê",
            targets=Targets(areas=("thon-bai", "thon-phu-loc"), kinds=("loudspeaker",)),
        ),
    }
    ids |= _templates(station, mai, hoa)
    for programme, name, days, at, seconds in (
        ("chuyen-doi-so", "Chuyển đổi số", "TU,TH", time(17, 10), 300),
        ("suc-khoe", "Sức khỏe cho mọi nhà", "MO,WE,FR", time(5, 20), 240),
    ):
        slot = Slot(rule=_weekly(days, at), seconds=seconds)
        column = Programme(id=programme, name=name, slots=(slot,), airings=2, fresh_days=14, fallback="repeat_last")
        station.programmes.save(hoa, column, Targets(areas=(COMMUNE,)), revision=0)
    return ids


def _policy() -> Policy:
    quiet = QuietHours(begins=time(21), ends=time(4, 30), source="Quyết định của UBND tỉnh Sông Hồng")
    tet = ClosedDays(days=("tet",), source="Quyết định của UBND tỉnh Sông Hồng")
    return Policy(rules=(quiet, *TEMPLATES["hanoi-rural-2021"].rules, tet))


def _weekly(days: str, at: time) -> Recurring:
    return Recurring(start=f"2026-11-16T{at:%H:%M}:00", rrule=f"FREQ=WEEKLY;BYDAY={days}")  # type: ignore[arg-type]  # read from text


def _templates(station: Station, author: Actor, approver: Actor) -> dict[str, str]:
    text = (
        "Bão số {so_bao} đang cách bờ {khoang_cach} ki lô mét, dự kiến đổ bộ {luc_nao}. Bà con {noi_nao} chằng chống "
        "nhà cửa, đưa người già và trẻ em đến nhà văn hóa thôn, không ra sông, ra đê."
    )
    blanks = (
        Blank(name="so_bao", kind="number", lowest=1, highest=20, label="số bão"),
        Blank(name="khoang_cach", kind="number", lowest=1, highest=1000, label="khoảng cách (ki lô mét)"),
        Blank(name="luc_nao", kind="choice", choices=("đêm nay", "sáng mai", "chiều mai"), label="lúc nào"),
        Blank(name="noi_nao", kind="choice", choices=("toàn xã", "xóm Bãi và thôn Phú Lộc"), label="nơi nào"),
    )
    storm = TemplateContent(title="Bão số {so_bao} sắp đổ bộ", text=text, blanks=blanks)
    made = station.emergencies.draft(author, name="Bão sắp đổ bộ", content=storm, area=COMMUNE)
    over = TemplateContent(
        title="Báo yên: bão số {so_bao} đã tan",
        text="Bão số {so_bao} đã tan. Bà con có thể trở về nhà. Tránh xa dây điện đứt và cây đổ.",
        blanks=blanks[:1],
    )
    calm = station.emergencies.draft(author, name="Báo yên sau bão", content=over, area=COMMUNE)
    for each in (made, calm):
        row = station.emergencies.template(approver, each)
        station.emergencies.release(approver, each, content_sha256=row.content_sha256)
    dyke = TemplateContent(title="Cảnh báo đê", text="Nước sông lên nhanh. Bà con xóm Bãi chuẩn bị sơ tán.")
    station.emergencies.draft(author, name="Nước sông lên nhanh", content=dyke, area=COMMUNE)
    return {"storm": made, "calm": calm}
