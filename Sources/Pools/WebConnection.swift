internal import CCurl
internal import Configuration
internal import Glibc

/// A connection to a web service. The library keeps it open from one request to the next.
public final class WebConnection: ServiceConnection, @unchecked Sendable {
    public enum Method: Sendable, Equatable {
        case get
        /// With a form as its body.
        case post(form: String)
    }

    public struct Answer: Sendable, Equatable {
        public let status: Int
        public let body: [UInt8]
    }

    /// The longest body that is taken, in bytes.
    static let bodyLimit = 1 << 20

    private let options: WebConnectionConfiguration
    private var handle: UnsafeMutableRawPointer?
    /// Where to connect in place of the name in the address; the library reads it during a request.
    private var detour: UnsafeMutablePointer<curl_slist>?

    private init(_ options: WebConnectionConfiguration, _ handle: UnsafeMutableRawPointer) {
        self.options = options
        self.handle = handle
    }

    deinit { close() }

    static let missing = "libcurl.so.4 is missing: install the Debian package libcurl4"
    static var isAvailable: Bool { ccurl_load() != 0 }

    /// Sees whether the service takes connections, without asking anything. That connection ends at once: the library
    /// would not use it for a request, and a service that serves one at a time would wait for it.
    static func open(_ options: WebConnectionConfiguration, _ deadline: Deadline) -> Result<WebConnection, ServiceFailure> {
        guard ccurl_load() != 0, let trial = ccurl_new() else {
            return .failure(.unreachable(missing))
        }
        let connection = WebConnection(options, trial)
        connection.prepare(trial, "", deadline)
        _ = ccurl_set_number(trial, CURLOPT_CONNECT_ONLY, 1)
        let code = ccurl_perform(trial)
        connection.close()
        guard code == CURLE_OK else { return .failure(failure(code)) }
        guard let handle = ccurl_new() else { return .failure(.unreachable("no memory for a connection")) }
        return .success(WebConnection(options, handle))
    }

    public var isUsable: Bool { handle != nil }
    public func keepAlive(_ deadline: Deadline) -> ServiceFailure? { nil }

    public func close() {
        if let handle { ccurl_free(handle) }
        handle = nil
        ccurl_free_list(detour)
        detour = nil
    }

    // MARK: Asking

    /// - Parameters:
    ///   - path: what follows the pool's prefix, without a slash before it.
    ///   - query: encoded, without the question mark.
    ///   - headers: whole lines.
    public func request(
        _ method: Method, _ path: String, query: String? = nil, headers: [String] = [], _ deadline: Deadline
    ) -> Result<Answer, ServiceFailure> {
        guard let handle else { return .failure(.unreachable("the connection is closed")) }
        prepare(handle, path + (query.map { "?\($0)" } ?? ""), deadline.within(options.requestTimeout.milliseconds))
        var lines = headers
        if detour != nil { lines.append("Host: \(options.authority)") }
        if case .post(let form) = method {
            _ = ccurl_set_number(handle, CURLOPT_POSTFIELDSIZE, form.utf8.count)
            _ = ccurl_set_text(handle, CURLOPT_COPYPOSTFIELDS, form)
            lines += ["Content-Type: application/x-www-form-urlencoded", "Expect:"]
        }
        let list = lines.reduce(UnsafeMutablePointer<curl_slist>?.none) { ccurl_append($0, $1) ?? $0 }
        defer { ccurl_free_list(list) }
        _ = ccurl_set_list(handle, CURLOPT_HTTPHEADER, list)
        let body = Body()
        _ = ccurl_set_taker(handle, takeBody, Unmanaged.passUnretained(body).toOpaque())
        let code = ccurl_perform(handle)
        // Neither may the library keep a pointer into this call.
        defer { ccurl_reset(handle) }
        if code == CURLE_WRITE_ERROR { return .failure(.refused("the answer is longer than \(Self.bodyLimit) bytes")) }
        guard code == CURLE_OK else { return .failure(Self.failure(code)) }
        return .success(Answer(status: ccurl_status(handle), body: body.bytes))
    }

    /// Settings that all requests have; `rest` is what follows the prefix in the address.
    private func prepare(_ handle: UnsafeMutableRawPointer, _ rest: String, _ deadline: Deadline) {
        ccurl_reset(handle)
        // Another name to ask for and to find in the certificate is the one in the address; the way there is told apart.
        let name = options.isEncrypted ? options.tls?.serverName : nil
        if let name {
            if detour == nil { detour = ccurl_append(nil, "::\(options.authority)") }
            _ = ccurl_set_list(handle, CURLOPT_CONNECT_TO, detour)
            _ = ccurl_set_text(handle, CURLOPT_URL, "https://\(name)\(options.pathPrefix)\(rest)")
        } else {
            _ = ccurl_set_text(handle, CURLOPT_URL, "\(options.base)\(options.pathPrefix)\(rest)")
        }
        let left = Int(max(1, deadline.remaining))
        for option in [CURLOPT_TIMEOUT_MS, CURLOPT_CONNECTTIMEOUT_MS] { _ = ccurl_set_number(handle, option, left) }
        _ = ccurl_set_number(handle, CURLOPT_NOSIGNAL, 1)
        _ = ccurl_set_number(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        _ = ccurl_set_number(handle, CURLOPT_FOLLOWLOCATION, 0)
        _ = ccurl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        _ = ccurl_set_text(handle, CURLOPT_PROXY, "")
        _ = ccurl_set_text(handle, CURLOPT_USERAGENT, "xmppd")
        if options.isEncrypted { setTLS(handle) }
    }

    private func setTLS(_ handle: UnsafeMutableRawPointer) {
        let tls = options.tls ?? .standard
        _ = ccurl_set_number(handle, CURLOPT_SSL_VERIFYPEER, tls.verifiesPeer ? 1 : 0)
        _ = ccurl_set_number(handle, CURLOPT_SSL_VERIFYHOST, tls.verifiesPeer && tls.namesServer ? 2 : 0)
        func setBytes(_ option: CURLoption, _ file: ConfiguredFile?) {
            if let file { _ = ccurl_set_bytes(handle, option, file.contents, file.contents.count) }
        }
        setBytes(CURLOPT_CAINFO_BLOB, tls.cacertfile)
        setBytes(CURLOPT_SSLCERT_BLOB, tls.certfile)
        setBytes(CURLOPT_SSLKEY_BLOB, tls.keyfile ?? tls.certfile)
        if let password = tls.password { _ = ccurl_set_text(handle, CURLOPT_KEYPASSWD, password.reveal()) }
        if let ciphers = tls.ciphers { _ = ccurl_set_text(handle, CURLOPT_SSL_CIPHER_LIST, ciphers) }
        let numbers = (tls.versions ?? ["tlsv1.2", "tlsv1.3"]).compactMap { Self.versions[$0] }
        if let lowest = numbers.min(), let highest = numbers.max() {
            _ = ccurl_set_number(handle, CURLOPT_SSLVERSION, lowest | highest << 16)
        }
    }

    /// The numbers that libcurl has for them.
    private static let versions = ["tlsv1": 4, "tlsv1.1": 5, "tlsv1.2": 6, "tlsv1.3": 7]

    private static func failure(_ code: CURLcode) -> ServiceFailure {
        let text = ccurl_error_text(code).map { String(cString: $0) } ?? "error \(code.rawValue)"
        return code == CURLE_OPERATION_TIMEDOUT ? .silent("no answer in time") : .unreachable(text)
    }
}

/// What has come of an answer.
private final class Body {
    var bytes: [UInt8] = []
}

private func takeBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context else { return 0 }
    let body = Unmanaged<Body>.fromOpaque(context).takeUnretainedValue()
    guard body.bytes.count + count <= WebConnection.bodyLimit else { return 0 }
    body.bytes += UnsafeRawBufferPointer(start: bytes, count: count)
    return count
}

/// Names and values as a query or a form has them (`application/x-www-form-urlencoded`, but spaces as `%20`, which every
/// reader of it takes).
public enum FormEncoding {
    public static func encode(_ fields: [(name: String, value: String)]) -> String {
        fields.map { "\(encode($0.name))=\(encode($0.value))" }.joined(separator: "&")
    }

    /// Everything but the unreserved characters of RFC 3986 §2.3 as `%` and two digits, byte by byte.
    public static func encode(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}
