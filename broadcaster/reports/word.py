"""A report as a Word document, by a template that a unit edits in Word: the station's own, else the one that came with it."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from docx.opc.exceptions import PackageNotFoundError
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from lxml.etree import XMLSyntaxError

from broadcaster.errors import ConflictError

OWN = Path("templates") / "report.docx"
"""Where a station keeps its own template, in its folder."""
_NOT_IN_XML = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\ud800-\\udfff\\ufffe\\uffff]")
_CAME_WITH_IT = Path(__file__).parent / "templates" / "report.docx"


def template_of(folder: Path) -> Path:
    """The template in force."""
    own = folder / OWN
    return own if own.is_file() else _CAME_WITH_IT


def as_docx(content: dict[str, Any], template: Path) -> bytes:
    """The filled template. Raises ConflictError, saying what is wrong with the template."""
    out = io.BytesIO()
    try:
        document = DocxTemplate(template)
        document.render(_writable(content), jinja_env=SandboxedEnvironment(undefined=StrictUndefined), autoescape=True)
        document.save(out)
    except (TemplateError, XMLSyntaxError, PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ConflictError(
            f"Mẫu báo cáo {template.name} có lỗi: {error}. Sửa mẫu trong Word, hoặc xóa tệp để dùng mẫu có sẵn.",
            f"The template {template.name} is wrong: {error}. Mend it in Word, or remove it to use the one that came with "
            "the station.",
        ) from error
    return out.getvalue()


def _writable(value: Any) -> Any:
    """The same without characters that XML does not have, which would be laid at the template's door."""
    if isinstance(value, str):
        return _NOT_IN_XML.sub("", value)
    if isinstance(value, dict):
        return {name: _writable(each) for name, each in value.items()}
    return [_writable(each) for each in value] if isinstance(value, list | tuple) else value
