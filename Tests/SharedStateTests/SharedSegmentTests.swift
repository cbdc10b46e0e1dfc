import CPlatform
import Glibc
import Testing

@testable import SharedState

/// A second mapping of the same segment, as another process would have it.
func secondMapping(of segment: SharedSegment) throws -> SharedSegment {
    try SharedSegment(attach: fcntl(segment.descriptor, F_DUPFD_CLOEXEC, 0))
}

@Suite(.timeLimit(.minutes(5))) struct SharedSegmentTests {
    @Test func segmentIsSparseAndSealed() throws {
        let segment = try SharedSegment.create(workers: 8)
        #expect(segment.layout.total > 1 << 30)
        #expect(segment.residentBytes < 100_000)
        #expect(ftruncate(segment.descriptor, 4096) == -1 && errno == EPERM)
        #expect(ftruncate(segment.descriptor, off_t(segment.layout.total * 2)) == -1 && errno == EPERM)
        #expect(fcntl(segment.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func attachedSegmentHasTheSameLayout() throws {
        let segment = try SharedSegment.create(workers: 3, sessions: 1000)
        #expect(try secondMapping(of: segment).layout == segment.layout)
    }

    @Test(arguments: [(0, 1000), (257, 1000), (1, 0), (1, -5)])
    func impossibleSizesAreRefused(workers: Int, sessions: Int) {
        #expect(throws: SegmentError.sizes) { try SharedSegment.create(workers: workers, sessions: sessions) }
    }

    @Test func partsDoNotOverlapAndBeginOnPages() {
        for sessions in [1, 1000, 65_537, 4_194_304] {
            let layout = SegmentLayout(workers: 256, sessions: sessions)
            #expect(layout.isSound)
            let offsets = layout.offsets
            #expect(zip(offsets, offsets.dropFirst()).allSatisfy { $0 < $1 && $1 % SegmentLayout.page == 0 })
            #expect(layout.shards * layout.entriesPerShard >= 2 * sessions || layout.entriesPerShard == 64)
            let largest = layout.index(bits: layout.largestIndexBits, shard: layout.shards - 1)
            #expect(largest + SegmentLayout.cellStride << layout.largestIndexBits <= layout.overflowMaps)
        }
    }

    @Test func foreignFilesAreRefused() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        #expect(throws: SegmentError.notASegment) { try SharedSegment(attach: ends[0]) }
        ends.forEach { close($0) }
        let empty = xmppd_memory_file("test", 8192)
        #expect(throws: SegmentError.notASegment) { try SharedSegment(attach: empty) }
        close(empty)
        #expect(throws: SegmentError.system(call: "fstat", errno: EBADF)) { try SharedSegment(attach: -1) }
    }

    /// Each field of the header in turn says something else.
    @Test func changedHeadersAreRefused() throws {
        let segment = try smallSegment()
        let copy = fcntl(segment.descriptor, F_DUPFD_CLOEXEC, 0)
        defer { close(copy) }
        let header = segment.base.assumingMemoryBound(to: UInt32.self)
        for word in 0..<MemoryLayout<xmppd_segment_header>.size / 4 {
            header[word] ^= 1
            #expect("word \(word)") {
                try SharedSegment(attach: copy)
            } throws: {
                switch $0 as? SegmentError {
                case .notASegment: word < 2
                case .version(let found, let expected): word == 2 && found == expected ^ 1
                case .damaged: word > 2
                default: false
                }
            }
            header[word] ^= 1
        }
        #expect(try secondMapping(of: segment).layout == segment.layout)
    }

    @Test func fileThatMayShrinkIsRefused() throws {
        let segment = try smallSegment()
        let loose = unsealedFile(like: segment)
        defer { close(loose) }
        #expect(throws: SegmentError.notSealed) { try SharedSegment(attach: loose) }
        #expect(ftruncate(loose, 4096) == 0)
        #expect(throws: SegmentError.damaged) { try SharedSegment(attach: loose) }
    }

    /// A file in shared memory with the header and size of the segment, but without seals.
    private func unsealedFile(like segment: SharedSegment) -> Int32 {
        let name = "/xmppd-test-\(getpid())"
        let file = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        shm_unlink(name)
        #expect(file >= 0 && ftruncate(file, off_t(segment.layout.total)) == 0)
        #expect(pwrite(file, segment.base, 4096, 0) == 4096)
        return file
    }
}
