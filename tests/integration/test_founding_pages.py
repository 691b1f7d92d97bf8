"""An empty station becomes a commune: the first administrator enters its areas in a browser."""

from pathlib import Path

from playwright.sync_api import Page, expect

from broadcaster.settings import Settings
from tests.brokers import free_port
from tests.browser import axe_violations, chromium, sideways, small_targets
from tests.integration.serving import serving


def _fit(page: Page) -> None:
    assert axe_violations(page) == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert not sideways(page)
    assert small_targets(page) == []
    page.set_viewport_size({"width": 1366, "height": 768})


def test_the_first_administrator_enters_the_commune(tmp_path: Path) -> None:
    settings = Settings(
        folder=tmp_path, port=free_port(), broker_port=free_port(), engines=("espeak",), speech_workers=1
    )
    with (
        serving(settings, founding=lambda station: station.database.migrate()) as served,
        chromium() as browser,
    ):
        context = browser.new_context(base_url=served.base, locale="vi-VN")
        page = context.new_page()
        page.goto(served.station.welcome.link())
        page.fill("#username", "quan")
        page.fill("#name", "Phạm Minh Quân")
        page.fill("#password", "một mật khẩu thật dài")
        page.fill("#again", "một mật khẩu thật dài")
        page.press("#again", "Enter")
        page.wait_for_url("**/login")
        page.fill("#username", "quan")
        page.fill("#password", "một mật khẩu thật dài")
        page.press("#password", "Enter")
        page.wait_for_url(lambda address: not address.endswith("/login"))
        page.goto("/areas")
        expect(page.get_by_text("Đài chưa có địa bàn nào.")).to_be_visible()
        _fit(page)
        page.select_option("#kind", "commune")
        page.fill("#names", "Xã Tân Phong")
        page.get_by_role("button", name="Thêm địa bàn").click()
        page.get_by_role("link", name="Xã Tân Phong").first.click()
        page.get_by_text("Thêm địa bàn bên dưới, sửa tên").click()
        page.fill("#names", "Thôn Đông\nThôn Đoài\n\nThôn Thượng")
        page.get_by_role("button", name="Thêm địa bàn").click()
        expect(page.get_by_role("link", name="Thôn Thượng")).to_be_visible()
        page.get_by_text("Thêm địa bàn bên dưới, sửa tên").click()
        _fit(page)
        page.fill("#names", "Thôn Đông")
        page.get_by_role("button", name="Thêm địa bàn").click()
        expect(page.locator(".problem")).to_contain_text("“Thôn Đông”")
        expect(page.locator("#names")).to_have_value("Thôn Đông")
        page.fill("#name", "Xã Tân Phong Hạ")
        page.get_by_role("button", name="Sửa tên").click()
        expect(page.get_by_role("heading", name="Xã Tân Phong Hạ")).to_be_visible()
        areas = context.request.get("/api/v1/areas").json()
        assert [(area["name"], area["kind"]) for area in areas if area["parent_id"] is None] == [
            ("Xã Tân Phong Hạ", "commune")
        ]
        assert len(areas) == 4
