internal import Network

/// What a module takes along when a session moves to another worker.
struct SessionStateCodec {
    let pack: @LoopActor (Session) -> [UInt8]?
    let unpack: @LoopActor (Session, [UInt8]) -> Void
}

extension Host {
    /// Takes a module's part of a session along when that moves.
    /// - Parameters:
    ///   - name: the same on all workers, old and new.
    ///   - pack: nil if the session has no such part.
    ///   - unpack: gives it to the session at its new worker. Bytes that it does not understand are ignored.
    public func carry(
        _ name: String, pack: @escaping @LoopActor (Session) -> [UInt8]?,
        unpack: @escaping @LoopActor (Session, [UInt8]) -> Void
    ) {
        migrationCodecs[name] = SessionStateCodec(pack: pack, unpack: unpack)
    }
}
