from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TableType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GLOBAL: _ClassVar[TableType]
    LOCAL: _ClassVar[TableType]
    ADJ_IN: _ClassVar[TableType]
    ADJ_OUT: _ClassVar[TableType]
    VRF: _ClassVar[TableType]
GLOBAL: TableType
LOCAL: TableType
ADJ_IN: TableType
ADJ_OUT: TableType
VRF: TableType

class Family(_message.Message):
    __slots__ = ("afi", "safi")
    class Afi(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        AFI_UNKNOWN: _ClassVar[Family.Afi]
        AFI_IP: _ClassVar[Family.Afi]
        AFI_IP6: _ClassVar[Family.Afi]
    AFI_UNKNOWN: Family.Afi
    AFI_IP: Family.Afi
    AFI_IP6: Family.Afi
    class Safi(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SAFI_UNKNOWN: _ClassVar[Family.Safi]
        SAFI_UNICAST: _ClassVar[Family.Safi]
    SAFI_UNKNOWN: Family.Safi
    SAFI_UNICAST: Family.Safi
    AFI_FIELD_NUMBER: _ClassVar[int]
    SAFI_FIELD_NUMBER: _ClassVar[int]
    afi: Family.Afi
    safi: Family.Safi
    def __init__(self, afi: _Optional[_Union[Family.Afi, str]] = ..., safi: _Optional[_Union[Family.Safi, str]] = ...) -> None: ...

class Path(_message.Message):
    __slots__ = ("nlri", "pattrs", "best", "is_withdraw", "family", "source_asn", "source_id", "filtered", "stale", "is_from_external", "neighbor_ip")
    NLRI_FIELD_NUMBER: _ClassVar[int]
    PATTRS_FIELD_NUMBER: _ClassVar[int]
    BEST_FIELD_NUMBER: _ClassVar[int]
    IS_WITHDRAW_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ASN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    FILTERED_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    IS_FROM_EXTERNAL_FIELD_NUMBER: _ClassVar[int]
    NEIGHBOR_IP_FIELD_NUMBER: _ClassVar[int]
    nlri: _any_pb2.Any
    pattrs: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    best: bool
    is_withdraw: bool
    family: Family
    source_asn: int
    source_id: str
    filtered: bool
    stale: bool
    is_from_external: bool
    neighbor_ip: str
    def __init__(self, nlri: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., pattrs: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ..., best: _Optional[bool] = ..., is_withdraw: _Optional[bool] = ..., family: _Optional[_Union[Family, _Mapping]] = ..., source_asn: _Optional[int] = ..., source_id: _Optional[str] = ..., filtered: _Optional[bool] = ..., stale: _Optional[bool] = ..., is_from_external: _Optional[bool] = ..., neighbor_ip: _Optional[str] = ...) -> None: ...

class Destination(_message.Message):
    __slots__ = ("prefix", "paths")
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    paths: _containers.RepeatedCompositeFieldContainer[Path]
    def __init__(self, prefix: _Optional[str] = ..., paths: _Optional[_Iterable[_Union[Path, _Mapping]]] = ...) -> None: ...

class TableLookupPrefix(_message.Message):
    __slots__ = ("prefix", "type")
    class Type(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EXACT: _ClassVar[TableLookupPrefix.Type]
        LONGER: _ClassVar[TableLookupPrefix.Type]
        SHORTER: _ClassVar[TableLookupPrefix.Type]
    EXACT: TableLookupPrefix.Type
    LONGER: TableLookupPrefix.Type
    SHORTER: TableLookupPrefix.Type
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    type: TableLookupPrefix.Type
    def __init__(self, prefix: _Optional[str] = ..., type: _Optional[_Union[TableLookupPrefix.Type, str]] = ...) -> None: ...

class AddPathRequest(_message.Message):
    __slots__ = ("table_type", "vrf_id", "path")
    TABLE_TYPE_FIELD_NUMBER: _ClassVar[int]
    VRF_ID_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    table_type: TableType
    vrf_id: str
    path: Path
    def __init__(self, table_type: _Optional[_Union[TableType, str]] = ..., vrf_id: _Optional[str] = ..., path: _Optional[_Union[Path, _Mapping]] = ...) -> None: ...

class AddPathResponse(_message.Message):
    __slots__ = ("uuid",)
    UUID_FIELD_NUMBER: _ClassVar[int]
    uuid: bytes
    def __init__(self, uuid: _Optional[bytes] = ...) -> None: ...

class AddPathStreamRequest(_message.Message):
    __slots__ = ("table_type", "vrf_id", "paths")
    TABLE_TYPE_FIELD_NUMBER: _ClassVar[int]
    VRF_ID_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    table_type: TableType
    vrf_id: str
    paths: _containers.RepeatedCompositeFieldContainer[Path]
    def __init__(self, table_type: _Optional[_Union[TableType, str]] = ..., vrf_id: _Optional[str] = ..., paths: _Optional[_Iterable[_Union[Path, _Mapping]]] = ...) -> None: ...

class DeletePathRequest(_message.Message):
    __slots__ = ("table_type", "vrf_id", "family", "path")
    TABLE_TYPE_FIELD_NUMBER: _ClassVar[int]
    VRF_ID_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    table_type: TableType
    vrf_id: str
    family: Family
    path: Path
    def __init__(self, table_type: _Optional[_Union[TableType, str]] = ..., vrf_id: _Optional[str] = ..., family: _Optional[_Union[Family, _Mapping]] = ..., path: _Optional[_Union[Path, _Mapping]] = ...) -> None: ...

class ListPathRequest(_message.Message):
    __slots__ = ("table_type", "name", "family", "prefixes")
    TABLE_TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    table_type: TableType
    name: str
    family: Family
    prefixes: _containers.RepeatedCompositeFieldContainer[TableLookupPrefix]
    def __init__(self, table_type: _Optional[_Union[TableType, str]] = ..., name: _Optional[str] = ..., family: _Optional[_Union[Family, _Mapping]] = ..., prefixes: _Optional[_Iterable[_Union[TableLookupPrefix, _Mapping]]] = ...) -> None: ...

class ListPathResponse(_message.Message):
    __slots__ = ("destination",)
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    destination: Destination
    def __init__(self, destination: _Optional[_Union[Destination, _Mapping]] = ...) -> None: ...

class ListPeerRequest(_message.Message):
    __slots__ = ("address",)
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    address: str
    def __init__(self, address: _Optional[str] = ...) -> None: ...

class ListPeerResponse(_message.Message):
    __slots__ = ("peer",)
    PEER_FIELD_NUMBER: _ClassVar[int]
    peer: Peer
    def __init__(self, peer: _Optional[_Union[Peer, _Mapping]] = ...) -> None: ...

class Peer(_message.Message):
    __slots__ = ("conf", "state")
    CONF_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    conf: PeerConf
    state: PeerState
    def __init__(self, conf: _Optional[_Union[PeerConf, _Mapping]] = ..., state: _Optional[_Union[PeerState, _Mapping]] = ...) -> None: ...

class PeerConf(_message.Message):
    __slots__ = ("neighbor_address",)
    NEIGHBOR_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    neighbor_address: str
    def __init__(self, neighbor_address: _Optional[str] = ...) -> None: ...

class PeerState(_message.Message):
    __slots__ = ("neighbor_address", "session_state")
    class SessionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[PeerState.SessionState]
        IDLE: _ClassVar[PeerState.SessionState]
        CONNECT: _ClassVar[PeerState.SessionState]
        ACTIVE: _ClassVar[PeerState.SessionState]
        OPENSENT: _ClassVar[PeerState.SessionState]
        OPENCONFIRM: _ClassVar[PeerState.SessionState]
        ESTABLISHED: _ClassVar[PeerState.SessionState]
    UNKNOWN: PeerState.SessionState
    IDLE: PeerState.SessionState
    CONNECT: PeerState.SessionState
    ACTIVE: PeerState.SessionState
    OPENSENT: PeerState.SessionState
    OPENCONFIRM: PeerState.SessionState
    ESTABLISHED: PeerState.SessionState
    NEIGHBOR_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SESSION_STATE_FIELD_NUMBER: _ClassVar[int]
    neighbor_address: str
    session_state: PeerState.SessionState
    def __init__(self, neighbor_address: _Optional[str] = ..., session_state: _Optional[_Union[PeerState.SessionState, str]] = ...) -> None: ...

class IPAddressPrefix(_message.Message):
    __slots__ = ("prefix_len", "prefix")
    PREFIX_LEN_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    prefix_len: int
    prefix: str
    def __init__(self, prefix_len: _Optional[int] = ..., prefix: _Optional[str] = ...) -> None: ...

class OriginAttribute(_message.Message):
    __slots__ = ("origin",)
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    origin: int
    def __init__(self, origin: _Optional[int] = ...) -> None: ...

class AsSegment(_message.Message):
    __slots__ = ("type", "numbers")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    type: int
    numbers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, type: _Optional[int] = ..., numbers: _Optional[_Iterable[int]] = ...) -> None: ...

class AsPathAttribute(_message.Message):
    __slots__ = ("segments",)
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[AsSegment]
    def __init__(self, segments: _Optional[_Iterable[_Union[AsSegment, _Mapping]]] = ...) -> None: ...

class NextHopAttribute(_message.Message):
    __slots__ = ("next_hop",)
    NEXT_HOP_FIELD_NUMBER: _ClassVar[int]
    next_hop: str
    def __init__(self, next_hop: _Optional[str] = ...) -> None: ...

class MultiExitDiscAttribute(_message.Message):
    __slots__ = ("med",)
    MED_FIELD_NUMBER: _ClassVar[int]
    med: int
    def __init__(self, med: _Optional[int] = ...) -> None: ...

class LocalPrefAttribute(_message.Message):
    __slots__ = ("local_pref",)
    LOCAL_PREF_FIELD_NUMBER: _ClassVar[int]
    local_pref: int
    def __init__(self, local_pref: _Optional[int] = ...) -> None: ...

class CommunitiesAttribute(_message.Message):
    __slots__ = ("communities",)
    COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    communities: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, communities: _Optional[_Iterable[int]] = ...) -> None: ...

class LargeCommunity(_message.Message):
    __slots__ = ("global_admin", "local_data1", "local_data2")
    GLOBAL_ADMIN_FIELD_NUMBER: _ClassVar[int]
    LOCAL_DATA1_FIELD_NUMBER: _ClassVar[int]
    LOCAL_DATA2_FIELD_NUMBER: _ClassVar[int]
    global_admin: int
    local_data1: int
    local_data2: int
    def __init__(self, global_admin: _Optional[int] = ..., local_data1: _Optional[int] = ..., local_data2: _Optional[int] = ...) -> None: ...

class LargeCommunitiesAttribute(_message.Message):
    __slots__ = ("communities",)
    COMMUNITIES_FIELD_NUMBER: _ClassVar[int]
    communities: _containers.RepeatedCompositeFieldContainer[LargeCommunity]
    def __init__(self, communities: _Optional[_Iterable[_Union[LargeCommunity, _Mapping]]] = ...) -> None: ...

class MpReachNLRIAttribute(_message.Message):
    __slots__ = ("family", "next_hops", "nlris")
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    NEXT_HOPS_FIELD_NUMBER: _ClassVar[int]
    NLRIS_FIELD_NUMBER: _ClassVar[int]
    family: Family
    next_hops: _containers.RepeatedScalarFieldContainer[str]
    nlris: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    def __init__(self, family: _Optional[_Union[Family, _Mapping]] = ..., next_hops: _Optional[_Iterable[str]] = ..., nlris: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ...) -> None: ...
