"""Messages of Seldon's protocol and of the Open Inference Protocol as gRPC carries them.

Written from the published definitions (`prediction.proto` of Seldon Core 1, `grpc_predict_v2.proto`
of the Open Inference Protocol): field numbers and types, as far as they are used here; a parser
skips others. They live in a pool of their own, so that a server's own copies of the same
definitions (seldon-core's, MLServer's) are never in the way, and any release of protobuf will do.
The entries of a map are written as the messages that they are on the wire.
"""

from __future__ import annotations

from functools import cache
from typing import Any

_SELDON, _V2 = "seldon.protos", "inference"
_DEFINITIONS = {
    _SELDON: """
        Status: 1 code int32, 2 info string, 3 reason string, 4 status int32
        Tag: 1 key string, 2 value google.protobuf.Value
        Step: 1 key string, 2 value string
        Metric: 1 key string, 2 type int32, 3 value float, 4 tags Step*
        Meta: 1 puid string, 2 tags Tag*, 4 requestPath Step*, 5 metrics Metric*
        Tensor: 1 shape int32*, 2 values double*
        DefaultData: 1 names string*, 2 tensor Tensor|kind, \
            3 ndarray google.protobuf.ListValue|kind, 4 tftensor Unread|kind
        Unread:
        SeldonMessage: 1 status Status, 2 meta Meta, 3 data DefaultData|kind, \
            4 binData bytes|kind, 5 strData string|kind, 6 jsonData google.protobuf.Value|kind, \
            7 customData Unread|kind
        Feedback: 1 request SeldonMessage, 2 response SeldonMessage, 3 reward float, \
            4 truth SeldonMessage
        Described: 1 messagetype string, 2 schema google.protobuf.Value
        Custom: 1 key string, 2 value string
        SeldonModelMetadata: 1 name string, 2 versions string*, 3 platform string, \
            4 inputs Described*, 5 outputs Described*, 6 custom Custom*
    """,
    _V2: """
        ServerLiveResponse: 1 live bool
        ServerReadyResponse: 1 ready bool
        ModelReadyResponse: 1 ready bool
        ServerMetadataResponse: 1 name string, 2 version string, 3 extensions string*
        ModelRequest: 1 name string, 2 version string
        TensorMetadata: 1 name string, 2 datatype string, 3 shape int64*
        ModelMetadataResponse: 1 name string, 2 versions string*, 3 platform string, \
            4 inputs TensorMetadata*, 5 outputs TensorMetadata*
        InferParameter: 1 bool_param bool|kind, 2 int64_param int64|kind, \
            3 string_param string|kind, 4 double_param double|kind, 5 uint64_param uint64|kind
        Parameter: 1 key string, 2 value InferParameter
        InferTensorContents: 1 bool_contents bool*, 2 int_contents int32*, \
            3 int64_contents int64*, 4 uint_contents uint32*, 5 uint64_contents uint64*, \
            6 fp32_contents float*, 7 fp64_contents double*, 8 bytes_contents bytes*
        Tensor: 1 name string, 2 datatype string, 3 shape int64*, 4 parameters Parameter*, \
            5 contents InferTensorContents
        Wanted: 1 name string
        ModelInferRequest: 1 model_name string, 2 model_version string, 3 id string, \
            4 parameters Parameter*, 5 inputs Tensor*, 6 outputs Wanted*, \
            7 raw_input_contents bytes*
        ModelInferResponse: 1 model_name string, 2 model_version string, 3 id string, \
            4 parameters Parameter*, 5 outputs Tensor*, 6 raw_output_contents bytes*
    """,
}


def seldon(name: str) -> Any:
    """The class of a message of Seldon's protocol."""
    return _classes()[f"{_SELDON}.{name}"]


def v2(name: str) -> Any:
    """The class of a message of the Open Inference Protocol."""
    return _classes()[f"{_V2}.{name}"]


@cache
def _classes() -> dict[str, Any]:
    """By full name; made with the first request by gRPC."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

    pool, names = descriptor_pool.DescriptorPool(), []
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    for package, text in _DEFINITIONS.items():
        file = descriptor_pb2.FileDescriptorProto(
            name=f"{package}.proto",
            package=package,
            syntax="proto3",
            dependency=["google/protobuf/struct.proto"],
        )
        for line in text.strip().splitlines():
            name, _, fields = line.strip().partition(":")
            message = file.message_type.add(name=name)
            for field in filter(None, fields.split(",")):
                _add_field(message, package, *field.split())
            names.append(f"{package}.{name}")
        pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names
    }


def _add_field(message: Any, package: str, number: str, name: str, text: str) -> None:
    """text: a type; `*` after it: repeated; `|name`: one of the alternatives of that name."""
    type_name, _, choice = text.partition("|")
    plain = type_name.removesuffix("*")
    field = message.field.add(name=name, number=int(number))
    field.label = field.LABEL_REPEATED if type_name.endswith("*") else field.LABEL_OPTIONAL
    if plain[0].isupper() or "." in plain:
        field.type, full = field.TYPE_MESSAGE, plain if "." in plain else f"{package}.{plain}"
        field.type_name = f".{full}"
    else:
        field.type = getattr(field, f"TYPE_{plain.upper()}")
    if choice:
        if not message.oneof_decl:
            message.oneof_decl.add(name=choice)
        field.oneof_index = 0
