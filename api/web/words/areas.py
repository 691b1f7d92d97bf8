"""Areas and the receivers in them."""

WORDS: dict[str, tuple[str, str]] = {
    "areas": ("Địa bàn và thiết bị", "Areas and receivers"),
    "area": ("Địa bàn", "Area"),
    "whole_station": ("Toàn đài", "Whole station"),
    "area_pages": ("Các trang của địa bàn", "Pages of the area"),
    "area_devices": ("Thiết bị", "Receivers"),
    "area_below": ("Địa bàn bên dưới", "Areas below"),
    "area_below_all": ("Xem cả %(number)s địa bàn", "See all %(number)s areas"),
    "area_above": ("Địa bàn bên trên", "Areas above"),
    "area_search": ("Tìm địa bàn hoặc thiết bị", "Find an area or a receiver"),
    "area_search_hint": ("Gõ không dấu cũng được: thon dong", "Diacritics are not needed: thon dong"),
    "leave_form": ("Thôi", "Cancel"),
    "find": ("Tìm", "Find"),
    "areas_found": ("Kết quả tìm “%(text)s”", "Found for “%(text)s”"),
    "areas_not_found": (
        "Không có địa bàn hay thiết bị nào tên như vậy. Thử gõ ít chữ hơn, hoặc gõ không dấu.",
        "No area or receiver is called so. Try fewer letters, or none of the diacritics.",
    ),
    "areas_show_all": ("Xem tất cả", "Show all"),
    "areas_online": ("Đang kết nối", "Connected"),
    "areas_online_of": ("%(online)s/%(all)s thiết bị đang kết nối", "%(online)s of %(all)s receivers connected"),
    "areas_online_of_yours": (
        "%(online)s/%(all)s thiết bị ở nơi của bạn đang kết nối",
        "%(online)s of %(all)s receivers in your areas connected",
    ),
    "areas_yours": (
        "Bạn chỉ thấy thiết bị ở địa bàn mà bạn được giao.",
        "You see the receivers of your own areas alone.",
    ),
    "areas_worst": (
        "Có %(all)s thiết bị, chỉ hiện %(shown)s, máy có trục trặc trước. Tìm theo tên để thấy máy khác.",
        "%(all)s receivers; %(shown)s are shown, those in trouble first. Search by name for the others.",
    ),
    "areas_more_areas": (
        "Tìm thấy %(all)s địa bàn, chỉ hiện %(shown)s. Gõ thêm chữ để tìm đúng nơi.",
        "%(all)s areas found; %(shown)s are shown. Type more to find the one.",
    ),
    "areas_more_devices": (
        "Tìm thấy %(all)s thiết bị, chỉ hiện %(shown)s. Gõ thêm chữ để tìm đúng máy.",
        "%(all)s receivers found; %(shown)s are shown. Type more to find the one.",
    ),
    "areas_no_devices": ("Chưa có thiết bị.", "No receivers yet."),
    "areas_silent": ("Nơi chưa có thiết bị", "Areas without receivers"),
    "areas_none": (
        "Đài chưa có địa bàn nào. Địa bàn (tỉnh, xã, thôn) được nhập khi lập đài; nhờ người quản trị hệ thống.",
        "The station has no areas yet. Areas (province, commune, village) are entered when it is founded; ask its administrator.",
    ),
    "areas_none_found": (
        "Đài chưa có địa bàn nào. Nhập địa bàn của đài ở dưới: trước hết là tỉnh hoặc xã, rồi mở địa bàn đó để nhập các thôn.",
        "The station has no areas yet. Enter them below: first the province or the commune, then open it to enter its villages.",
    ),
    "areas_add_first": ("Nhập địa bàn đầu tiên", "Enter the first area"),
    "areas_add_below": ("Thêm địa bàn bên dưới", "Add areas below"),
    "areas_add_do": ("Thêm địa bàn", "Add"),
    "areas_names": ("Tên, mỗi dòng một địa bàn", "Names, one area a line"),
    "areas_names_hint": (
        "Ghi cả chữ Xã, Thôn, Tổ dân phố. Dán cả danh sách cũng được.",
        "With the word for its kind, such as Xã or Thôn. A whole list can be pasted.",
    ),
    "areas_change": ("Thêm địa bàn bên dưới, sửa tên", "Add areas below, mend the name"),
    "area_kind": ("Cấp", "Kind"),
    "area_kind_province": ("Tỉnh, thành phố", "Province or city"),
    "area_kind_commune": ("Xã, phường, đặc khu", "Commune, ward or special zone"),
    "area_kind_village": ("Thôn, tổ dân phố", "Village or residential group"),
    "area_name": ("Tên địa bàn", "The area's name"),
    "area_rename": ("Sửa tên", "Mend the name"),
    "area_rename_hint": (
        "Chỉ để sửa chỗ gõ sai. Nhật ký giữ tên đã ghi. Sáp nhập, chia tách thì lập kế hoạch ở trang Sáp nhập, chia tách.",
        "Only for what was mistyped. The log keeps the name that stood. What merges or splits is planned under Mergers and splits.",
    ),
    "done_areas_added": ("Đã thêm địa bàn.", "The areas are added."),
    "done_area_renamed": ("Đã sửa tên địa bàn.", "The name is mended."),
    "action_area-added": ("Thêm địa bàn", "Areas added"),
    "action_area-renamed": ("Sửa tên địa bàn", "Area renamed"),
    "areas_empty": (
        "Địa bàn này chưa có cụm loa hay màn hình nào. Bật thiết bị mới, đọc mã 6 số trên đó rồi nhập vào trang Thêm thiết bị.",
        "No loudspeaker or screen stands here yet. Switch a new device on, read its 6 digits and enter them under Add a device.",
    ),
    "areas_add": ("Thêm thiết bị", "Add a device"),
    "areas_many": (
        "Có %(all)s thiết bị bên dưới. Mở từng địa bàn để xem, hoặc tìm theo tên.",
        "%(all)s receivers stand below. Open an area to see its own, or search by name.",
    ),
    "areas_gone": ("Đã thôi hoạt động (%(number)s)", "Out of service (%(number)s)"),
    "receiver_online": ("Đang kết nối", "Connected"),
    "receiver_offline": ("Mất kết nối", "Disconnected"),
    "receiver_in_trouble": ("Có sự cố", "Trouble"),
    "receiver_never_heard": ("Chưa từng kết nối", "Never heard of"),
    "receiver_wiping": ("Đang chờ xóa", "To be wiped"),
    "receiver_revoked": ("Đã thôi hoạt động", "Out of service"),
    "receiver_since": ("từ %(at)s", "since %(at)s"),
    "trouble_unconfigured": (
        "Thiết bị chưa nhận được cấu hình. Kiểm tra đường truyền; nếu sau 10 phút vẫn vậy, khởi động lại thiết bị.",
        "It has no configuration yet. Check its line; if that lasts longer than 10 minutes, restart it.",
    ),
    "trouble_configuration_expired": (
        "Cấu hình đã hết hạn. Kiểm tra đồng hồ và đường truyền của thiết bị.",
        "Its configuration has expired. Check its clock and its line.",
    ),
    "trouble_output_missing": (
        "Không thấy đầu ra âm thanh. Kiểm tra dây và card âm thanh.",
        "There is no sound output. Check the cable and the sound card.",
    ),
    "trouble_output_failed": (
        "Bản tin gần nhất không phát ra được. Kiểm tra âm-li và loa rồi phát thử.",
        "The last bulletin could not be sounded. Check amplifier and loudspeakers, then test.",
    ),
    "trouble_storage_low": (
        "Thẻ nhớ sắp đầy. Xóa tệp lạ trên thẻ hoặc thay thẻ lớn hơn.",
        "Its disk is nearly full. Remove foreign files or put in a larger card.",
    ),
    "trouble_storage_unwritable": (
        "Không ghi được vào thẻ nhớ. Thay thẻ, rồi đưa thiết bị vào hoạt động lại.",
        "Its disk cannot be written. Replace the card, then enrol the device again.",
    ),
    "trouble_temperature_high": (
        "Thiết bị quá nóng. Che nắng, thông gió cho tủ.",
        "It is too hot. Give its box shade and air.",
    ),
    "trouble_throttled": (
        "Thiết bị chạy chậm vì nguồn yếu hoặc quá nóng. Kiểm tra bộ nguồn.",
        "It is slowed down by a weak power supply or by heat. Check the supply.",
    ),
    "trouble_amplifier_failed": (
        "Không bật được âm-li. Kiểm tra rơ-le và dây điều khiển.",
        "The amplifier could not be switched. Check its relay and wire.",
    ),
    "trouble_documents_refused": (
        "Thiết bị đã từ chối lệnh có chữ ký không đúng. Nếu lặp lại, báo người quản trị.",
        "It refused documents whose signature is wrong. If that goes on, tell the administrator.",
    ),
}
