internal import Glibc
internal import Storage

/// The ids of messages as clients see them: they give nothing away and cannot be guessed (XEP-0313 §3, XEP-0359 §6).
///
/// An id in the database orders and dates a message. Clients get it enciphered with a secret of the database, by the block
/// cipher Speck64/128 of 27 rounds: 64 bits in, 64 bits out, so that deciphering it needs no table.
struct ArchiveIDs: Sendable {
    private let roundKeys: [UInt32]

    /// Length of the secret, in bytes.
    static let keyLength = 16

    /// Nil if the secret has another length.
    init?(key: [UInt8]) {
        guard key.count == Self.keyLength else { return nil }
        let words = (0..<4).map { word in
            key[(4 * word)..<(4 * word + 4)].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        var left = [words[1], words[2], words[3]]
        var keys = [words[0]]
        for round in 0..<26 {
            left.append((keys[round] &+ Self.right(left[round], 8)) ^ UInt32(round))
            keys.append(Self.left(keys[round], 3) ^ left[round + 3])
        }
        roundKeys = keys
    }

    func text(_ id: Int64) -> String {
        let cipher = enciphered(UInt64(bitPattern: id))
        return String(unsafeUninitializedCapacity: 16) { buffer in
            for place in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: cipher >> UInt64(60 - 4 * place) & 15)
                buffer[place] = digit < 10 ? 48 + digit : 87 + digit
            }
            return 16
        }
    }

    /// Deciphers an id of a client; nil for a text that is no id. The message need not exist.
    func id(_ text: String) -> Int64? {
        var cipher: UInt64 = 0
        guard text.utf8.count == 16 else { return nil }
        for digit in text.utf8 {
            switch digit {
            case 48...57: cipher = cipher << 4 | UInt64(digit - 48)
            case 97...102: cipher = cipher << 4 | UInt64(digit - 87)
            default: return nil
            }
        }
        let id = Int64(bitPattern: deciphered(cipher))
        return id > 0 ? id : nil
    }

    func enciphered(_ block: UInt64) -> UInt64 {
        var (x, y) = (UInt32(truncatingIfNeeded: block >> 32), UInt32(truncatingIfNeeded: block))
        for key in roundKeys {
            x = (Self.right(x, 8) &+ y) ^ key
            y = Self.left(y, 3) ^ x
        }
        return UInt64(x) << 32 | UInt64(y)
    }

    func deciphered(_ block: UInt64) -> UInt64 {
        var (x, y) = (UInt32(truncatingIfNeeded: block >> 32), UInt32(truncatingIfNeeded: block))
        for key in roundKeys.reversed() {
            y = Self.right(y ^ x, 3)
            x = Self.left((x ^ key) &- y, 8)
        }
        return UInt64(x) << 32 | UInt64(y)
    }

    private static func left(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
    private static func right(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 - bits) }
}

/// Makes the ids of one worker: later ones are greater, and no two workers make the same.
struct ArchiveClock {
    private let slot: Int64
    private var last: Int64 = 0

    init(slot: UInt8) { self.slot = Int64(slot) }

    mutating func next(at microseconds: Int64 = Self.now) -> Int64 {
        last = max(last + 1, microseconds)
        return last << ArchiveRepository.idShift | slot
    }

    /// Microseconds since 1970.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
