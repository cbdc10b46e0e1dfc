internal import COpenSSL

/// The one place where OpenSSL reads and writes: memory that all connections of the loop use in turn.
///
/// A connection's own share is its `SSL` object only. No call into OpenSSL is nested in another.
@LoopActor
enum TLSEngine {
    /// The contexts of the connection whose handshake step is being done; asked through SNI.
    static var contexts: TLSContextSet?

    /// The largest plaintext of one record (RFC 8446 §5.1).
    static let recordLimit = 16384
    private static let keptOutput = 128 * 1024

    static let exchange: UnsafeMutablePointer<copenssl_exchange> = {
        let pointer = UnsafeMutablePointer<copenssl_exchange>.allocate(capacity: 1)
        pointer.initialize(to: copenssl_exchange())
        return pointer
    }()
    private static let bio = copenssl_exchange_bio(exchange)

    /// Where decrypted records are put, one at a time.
    static let plaintext = UnsafeMutableRawBufferPointer.allocate(byteCount: recordLimit, alignment: 16)

    static func makeSession(_ context: TLSContext) -> OpaquePointer? {
        guard let bio else { return nil }
        return copenssl_server_session(context.pointer, bio)
    }

    /// A session that we begin. `name` is the peer's, in ASCII; nil asks for none.
    static func makeSession(calling context: TLSContext, name: String?, offersALPN: Bool) -> OpaquePointer? {
        guard let bio else { return nil }
        let alpn = UnsafeRawPointer(context.role.alpn.utf8Start).assumingMemoryBound(to: CChar.self)
        return copenssl_client_session(context.pointer, bio, name, offersALPN ? alpn : nil)
    }

    static func setInput(_ bytes: UnsafeRawBufferPointer) {
        exchange.pointee.input = bytes.bindMemory(to: UInt8.self).baseAddress
        exchange.pointee.input_length = bytes.count
    }

    /// How much of the input OpenSSL has not taken; it is then forgotten.
    static func takeRest() -> Int {
        defer {
            exchange.pointee.input = nil
            exchange.pointee.input_length = 0
        }
        return exchange.pointee.input_length
    }

    static var outputCount: Int { exchange.pointee.output_length }

    /// Hands over the ciphertext that has been gathered; it is gone afterwards.
    static func takeOutput(_ body: (UnsafeRawBufferPointer) -> Void) {
        guard exchange.pointee.output_length > 0 else { return }
        body(UnsafeRawBufferPointer(start: exchange.pointee.output, count: exchange.pointee.output_length))
        exchange.pointee.output_length = 0
        if exchange.pointee.output_capacity > keptOutput {
            copenssl_free(exchange.pointee.output)
            exchange.pointee.output = nil
            exchange.pointee.output_capacity = 0
        }
    }
}
