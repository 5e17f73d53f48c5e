"""The protobuf messages of NNabla's files: ``NNablaProtoBuf``, ``Network``, ``Function``, ...

They are built from ``nnabla.proto`` when this module is imported, not generated in advance: code
that protoc generates works only with the protobuf runtimes near its own version.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_SCALARS = {
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "float": FieldDescriptorProto.TYPE_FLOAT,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "string": FieldDescriptorProto.TYPE_STRING,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
}
_MESSAGE = re.compile(r"message (\w+) \{(\})?")
_ONEOF = re.compile(r"oneof (\w+) \{")
_MAP = re.compile(r"map<(\w+), (\w+)> (\w+) = (\d+);")
_FIELD = re.compile(r"(repeated )?(\w+) (\w+) = (\d+);")


def _parse(source: str) -> FileDescriptorProto:
    """Describe ``source``, a file in the part of proto3 that ``nnabla.proto`` uses.

    That is one declaration a line: messages of fields, maps and oneofs, nothing nested.
    """
    file = FileDescriptorProto(name="nnabla.proto", syntax="proto3")
    in_oneof = False
    for line in map(str.strip, source.splitlines()):
        if not line or line.startswith(("//", "syntax")):
            continue
        if match := _MESSAGE.fullmatch(line):
            file.message_type.add(name=match[1])
        elif match := _ONEOF.fullmatch(line):
            file.message_type[-1].oneof_decl.add(name=match[1])
            in_oneof = True
        elif line == "}":
            in_oneof = False  # or the end of a message, where it is False already
        elif match := _MAP.fullmatch(line):
            _add_map(file.message_type[-1], match[1], match[2], match[3], int(match[4]))
        elif match := _FIELD.fullmatch(line):
            message = file.message_type[-1]
            field = _add_field(message, match[2], match[3], int(match[4]), bool(match[1]))
            if in_oneof:
                field.oneof_index = len(message.oneof_decl) - 1
        else:
            raise ValueError(f"nnabla.proto: line {line!r} is none that this module reads")
    return file


def _add_field(
    message: DescriptorProto, type_name: str, name: str, number: int, repeated: bool = False
) -> FieldDescriptorProto:
    label = FieldDescriptorProto.LABEL_REPEATED if repeated else FieldDescriptorProto.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if type_name in _SCALARS:
        field.type = _SCALARS[type_name]
    else:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{type_name}"
    return field


def _add_map(message: DescriptorProto, key: str, value: str, name: str, number: int) -> None:
    """A map is, in a descriptor, a repeated message of key and value."""
    entry = message.nested_type.add(name=name.title().replace("_", "") + "Entry")
    entry.options.map_entry = True
    _add_field(entry, key, "key", 1)
    _add_field(entry, value, "value", 2)
    _add_field(message, f"{message.name}.{entry.name}", name, number, repeated=True)


def _build() -> dict[str, Any]:
    # A pool of its own: another package may have registered a file of the same name.
    pool = DescriptorPool()
    pool.Add(_parse((files(__package__) / "nnabla.proto").read_text("utf-8")))
    descriptor = pool.FindFileByName("nnabla.proto")
    found = {"DESCRIPTOR": descriptor}
    for name, message in descriptor.message_types_by_name.items():
        found[name] = GetMessageClass(message)
        found[name].__module__ = __name__  # pickle looks the class up here
    return found


globals().update(_build())

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
