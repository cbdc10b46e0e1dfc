internal import Kernel
internal import Network
internal import Streams
internal import XML
internal import XMPP

/// What carries a stream, as its driver sees it: bytes to and from the peer, with the framing of the stream. A session
/// writes its stanzas to it directly.
///
/// It hands each part of the stream to its driver, one after the other, and none while the driver waits for an answer.
@LoopActor
protocol StreamCarrier: SessionStream {
    /// Unique in this process, never 0.
    var id: UInt64 { get }
    /// The facts of the finished handshake; nil without TLS.
    var tls: TLSFacts? { get }
    /// What the next parts may be at most.
    var limits: Limits { get set }

    /// Writes a header, with an `id` that cannot be guessed.
    /// - Parameter language: `general.language`.
    func open(_ header: ResponseHeader, language: String)
    func write(_ element: Element)
    /// Writes what is no element as it stands in the document, such as another kind of header.
    func write(markup: [UInt8])
    /// What the peer sends next begins a new stream.
    func restart()
    /// What the peer sent behind the element that is being handled counts for nothing; the handshake begins. Its end is told as
    /// `secured`.
    func startTLS(_ contexts: TLSContextSet)
    /// What stands behind the element that is being handled counts as compressed, and so does what is written from here on.
    /// - Parameter limit: bytes that one step of input may inflate to.
    func startCompression(limit: Int)
    /// After an answer: what came meanwhile is parsed, as far as the driver lets it.
    func resumeParsing()
    /// Limits how fast the peer may send, in bytes per second; nil lifts the limit.
    func setRate(_ bytesPerSecond: Int?)
    /// Gives buffers back when there has been no traffic for so many milliseconds.
    func hibernate(idleFor idle: Int64, now: Int64)

    /// Writes the stream's end, and closes when that has gone out and the peer has closed its side, or after so many
    /// milliseconds.
    func finish(lingering: Int64)
    /// Closes when everything that was written has gone out.
    func close()
    /// Closes without another byte.
    func drop()
}

/// What becomes of the parts of a stream, as their carrier sees it.
@LoopActor
protocol StreamDriver: AnyObject {
    /// Whether the next part may be handed in.
    var progress: StreamProgress { get }
    /// Stanzas that may wait for the peer before it counts as one that does not read; nil: only bytes are bounded.
    var queueBound: Int? { get }

    func receivedHeader(_ header: StreamHeader)
    /// Takes an element by its bytes alone, if that is enough; otherwise it is parsed.
    func takes(_ bytes: UnsafeRawBufferPointer) -> Bool
    func receivedElement(_ element: Element)
    func receivedFooter()
    /// What came is no part of a stream, or more than the limits allow.
    func receivedMalformed(_ malformed: Malformed)
    /// Everything has been handed in that one read has brought.
    func receivedAll()
    /// The handshake is done.
    func secured()
    /// What was written has been taken, after there had been much of it.
    func drained()
    /// Ends the stream because the server says so.
    func end(_ error: StreamError?)
    /// The session goes on elsewhere, the stream ends: with an error, or without a word.
    func release(_ error: StreamError?)
    /// The peer will send no more.
    func peerEnded()
    /// The carrier is gone; it forgets its driver.
    func carrierClosed(_ reason: CloseReason)
}

/// Whether a stream takes its next part.
enum StreamProgress {
    case ready
    /// An answer to the last part is awaited.
    case waiting
    case closed
}
