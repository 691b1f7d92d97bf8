"""A merger, a split or a move as a form, and the plan that comes out of it."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from api.web.area_tree import AreaTree
from broadcaster.errors import InvalidError
from broadcaster.founding import identifier_of
from broadcaster.reorganisation.effects import Ending, Move, NewArea, ReceiverTo, ReorganisationPlan

What = Literal["merge", "split", "move"]
NEW = ("new-0", "new-1", "new-2", "new-3")
"""Stand for the new areas of a split in what was chosen for villages and receivers."""
Name = Annotated[str, Field(max_length=200)]
Names = Annotated[list[Name], Field(max_length=5000)]


class PlanForm(BaseModel):
    """What somebody typed."""

    what: What = "merge"
    title: Annotated[str, Field(max_length=300)] = ""
    day: Annotated[str, Field(max_length=10)] = ""
    area: Name = ""  # that is split or moves
    ends: Names = Field(default_factory=list)
    into: Name = ""  # an area that is there; none: a new one
    names: Names = Field(default_factory=list)  # of new areas
    to: Name = ""
    children: Names = Field(default_factory=list)
    children_to: Names = Field(default_factory=list)
    devices: Names = Field(default_factory=list)
    devices_to: Names = Field(default_factory=list)

    def plan(self, tree: AreaTree, taken: Iterable[str]) -> ReorganisationPlan:
        """The plan. Raises InvalidError, naming the field; what does not fit together the service says."""
        given = {"title": self._title(), "day": self._day()}
        given |= {"merge": self._merge, "split": self._split, "move": self._move}[self.what](tree, set(taken))
        try:
            return ReorganisationPlan.model_validate(given)
        except ValidationError as error:
            raise InvalidError(
                "Kế hoạch còn thiếu. Kiểm tra từng mục rồi lưu lại.",
                f"The plan lacks something: {error.errors()[0]['msg']}. Look at each field, then save.",
            ) from error

    def _merge(self, tree: AreaTree, taken: set[str]) -> dict[str, object]:
        ends = [area for area in self.ends if area != self.into]
        if not ends or (not self.into and len(ends) < 2):
            raise InvalidError(
                "Chọn ít nhất hai địa bàn để nhập lại.", "Choose at least two areas to merge.", field="ends"
            )
        if self.into:
            return {"endings": [Ending(area=area, into=(self.into,)) for area in ends]}
        made = self._new(tree, ends[0], self.names[:1], taken)
        return {"areas": made, "endings": [Ending(area=area, into=(made[0].id,)) for area in ends]}

    def _split(self, tree: AreaTree, taken: set[str]) -> dict[str, object]:
        named = [(key, name) for key, name in zip(NEW, self.names, strict=False) if name.strip()]
        made = self._new(tree, self.area, [name for _, name in named], taken) if named else []
        ids = {key: area.id for (key, _), area in zip(named, made, strict=True)}
        chosen = [each for each in (*self.children_to, *self.devices_to) if each]
        missing = [each for each in chosen if each in NEW and each not in ids]
        into = tuple(dict.fromkeys([*ids.values(), *(ids.get(each, each) for each in chosen)]))
        if missing or len(into) < 2:
            raise InvalidError(
                "Chia tách cần ít nhất hai nơi nhận, mỗi địa bàn mới phải có tên.",
                "A split needs at least two areas to become, and every new one needs a name.",
                field="names",
            )
        pairs = zip(self.children, self.children_to, strict=False)
        devices = zip(self.devices, self.devices_to, strict=False)
        return {
            "areas": made,
            "endings": [Ending(area=self.area, into=into)],
            "moves": [Move(area=area, to=ids.get(to, to)) for area, to in pairs if to],
            "receivers": [ReceiverTo(receiver=name, to=ids.get(to, to)) for name, to in devices if to],
        }

    def _move(self, _tree: AreaTree, _taken: set[str]) -> dict[str, object]:
        if not self.area or not self.to:
            raise InvalidError(
                "Chọn địa bàn và nơi chuyển đến.",
                "Choose the area and where it goes.",
                field="area" if not self.area else "to",
            )
        return {"moves": [Move(area=self.area, to=self.to)]}

    def _title(self) -> str:
        if not self.title.strip():
            raise InvalidError(
                "Ghi tên kế hoạch, ví dụ số nghị quyết.", "Give the plan a title, such as its decree.", field="title"
            )
        return self.title.strip()

    def _day(self) -> date:
        try:
            return date.fromisoformat(self.day)
        except ValueError as error:
            raise InvalidError("Chọn ngày có hiệu lực.", "Choose the day.", field="day") from error

    def _new(self, tree: AreaTree, like: str, names: list[str], taken: set[str]) -> list[NewArea]:
        """New areas of the kind and under the parent of one that ends, with identifiers that follow from their names."""
        old = tree.areas.get(like)
        if old is None or old.parent_id is None:
            raise InvalidError("Chọn một xã hoặc thôn.", "Choose a commune or village.", field="area")
        made = []
        for name in names:
            if not name.strip():
                raise InvalidError("Đặt tên cho địa bàn mới.", "Give the new area a name.", field="names")
            identifier = identifier_of(name, self._day(), taken)
            taken.add(identifier)
            made.append(NewArea(id=identifier, name=name.strip(), kind=old.kind, parent=old.parent_id))  # type: ignore[arg-type]  # one of the three
        if not made:
            raise InvalidError("Đặt tên cho địa bàn mới.", "Give the new area a name.", field="names")
        return made
