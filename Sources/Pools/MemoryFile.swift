internal import CPlatform
internal import Configuration
internal import Glibc

/// A file in memory for a library that takes names of files only; a worker has none on the disk.
final class MemoryFile: Sendable {
    private let descriptor: Int32

    /// What the library opens. Nobody else can: it is this process's own descriptor.
    var path: String { "/proc/self/fd/\(descriptor)" }

    /// Nil where the system has no memory or descriptor to spare.
    init?(_ bytes: [UInt8]) {
        descriptor = cplatform_sealable_file()
        guard descriptor >= 0 else { return nil }
        // Libraries refuse keys that others could read. `deinit` closes the file, also where it could not be written.
        guard fchmod(descriptor, 0o600) == 0, Self.write(bytes, to: descriptor) else { return nil }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(sent)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    deinit { close(descriptor) }
}

/// The files of a pool's TLS, for as long as the pool lives.
struct TLSFiles: Sendable {
    /// Where Debian keeps the authorities that the system trusts.
    static let systemAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    private let files: [MemoryFile]
    let authorities: String
    let certificate: String?
    let key: String?

    /// Nil where a file could not be made.
    init?(_ tls: OutgoingTLSConfiguration) {
        var files: [MemoryFile] = []
        func path(_ file: ConfiguredFile?) -> String?? {
            guard let file else { return .some(nil) }
            guard let copy = MemoryFile(file.contents) else { return nil }
            files.append(copy)
            return copy.path
        }
        guard let authorities = path(tls.cacertfile), let certificate = path(tls.certfile), let key = path(tls.keyfile)
        else { return nil }
        self.authorities = authorities ?? Self.systemAuthorities
        self.certificate = certificate
        self.key = key ?? certificate
        self.files = files
    }
}
