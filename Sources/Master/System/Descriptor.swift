internal import CPlatform
internal import Glibc

/// An open file descriptor, closed with the last reference to it.
final class Descriptor {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }
}

/// A failed system call.
struct SystemFailure: Error, Equatable, CustomStringConvertible {
    let call: String
    let number: Int32

    var description: String { "\(call): \(reason(number))" }
}

/// The text of an error number (strerror(3)).
func reason(_ number: Int32) -> String {
    // The master has one thread, so the shared buffer is its own.
    guard let message = strerror(number) else { return "error \(number)" }
    return String(cString: message)
}

/// Makes a `Descriptor` of the result of a shim of `CPlatform`: a number, or -errno.
func descriptor(_ result: Int32, _ call: String) throws(SystemFailure) -> Descriptor {
    guard result >= 0 else { throw SystemFailure(call: call, number: -result) }
    return Descriptor(result)
}

extension Descriptor {
    /// A connected pair of non-blocking AF_UNIX stream sockets.
    static func streamPair() throws(SystemFailure) -> (Descriptor, Descriptor) {
        var ends: [Int32] = [-1, -1]
        let result = cplatform_socketpair(&ends, 1)
        guard result == 0 else { throw SystemFailure(call: "socketpair", number: -result) }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }
}
