internal import Network

/// Encodes and decodes a module's part of a session's state when that migrates to another worker.
struct SessionStateCodec {
    let encode: @LoopActor (Session) -> [UInt8]?
    let decode: @LoopActor (Session, [UInt8]) -> Void
}
