/// All repositories over one database.
public struct Repositories: Sendable {
    public let accounts: AccountRepository
    public let rosters: RosterRepository
    public let offline: OfflineRepository
    public let privateStorage: PrivateStorageRepository
    public let vCards: VCardRepository
    public let lastActivity: LastActivityRepository
    public let blockLists: BlockListRepository
    public let serverValues: ServerValueRepository
    public let arrivals: ArrivalRepository
    public let sessionCounts: SessionCountRepository
    public let archive: ArchiveRepository
    public let archivePreferences: ArchivePreferenceRepository

    public init(_ database: any SQLDatabase, maxRosterItems: Int = 5000, archiveBudget: ArchiveBudget = ArchiveBudget()) {
        accounts = AccountRepository(database)
        rosters = RosterRepository(database, maxItems: maxRosterItems)
        offline = OfflineRepository(database)
        privateStorage = PrivateStorageRepository(database)
        vCards = VCardRepository(database)
        lastActivity = LastActivityRepository(database)
        blockLists = BlockListRepository(database)
        serverValues = ServerValueRepository(database)
        arrivals = ArrivalRepository(database)
        sessionCounts = SessionCountRepository(database)
        archive = ArchiveRepository(database, budget: archiveBudget)
        archivePreferences = ArchivePreferenceRepository(database)
    }
}
