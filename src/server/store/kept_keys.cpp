#include "server/store/kept_keys.hpp"

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include <string_view>
#include <utility>

#include "server/store/connection.hpp"
#include "server/store/rows.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {
namespace {

constexpr std::string_view kReadingKeys = "reading the keys in";

auth::MasterKey find_master(const Connection& connection, const auth::MasterKeySource& source,
                            std::uint32_t id)
{
    for (auto& master : source()) {
        if (master.id() == id) return std::move(master);
    }
    throw store_error(kReadingKeys, connection.file(), "it is under another master key",
                      "put the master.key that belongs to it in its place");
}

std::vector<auth::EarlierChain> read_earlier(Connection& connection, const Sealer& sealer)
{
    std::vector<auth::EarlierChain> earlier;
    SQLite::Statement row(connection.database(), sql::kAuditKeys);
    while (row.executeStep()) {
        const auto last_id = row.getColumn(0).getInt64();
        const auto key = sealer.open(octets_in(row.getColumn(1)), audit_key_up_to(last_id));
        earlier.push_back({.last_id = last_id, .chain = auth::AuditChain(key)});
    }
    return earlier;
}

KeptKeys read(Connection& connection, const auth::MasterKeySource& source)
{
    const SQLite::Transaction one_moment(connection.database());
    SQLite::Statement row(connection.database(), sql::kFindKeptKeys);
    if (!row.executeStep()) {
        throw store_error(kReadingKeys, connection.file(), "it has no installation",
                          "restore it from a backup");
    }
    const auto id = key_id_in(row.getColumn(0));
    const auto master = find_master(connection, source, id);
    const Sealer sealer(master);
    auto names = row.isColumnNull(2) ? auth::NameKeyer(master)
                                     : auth::NameKeyer(sealer.open(octets_in(row.getColumn(2)), kNameKey));
    KeptKeys keys{.key_id = id,
                  .names = std::move(names),
                  .chain = auth::AuditChain(master),
                  .earlier = read_earlier(connection, sealer)};
    if (!row.isColumnNull(1)) keys.retiring = key_id_in(row.getColumn(1));
    return keys;
}

}  // namespace

SealedPlace audit_key_up_to(std::int64_t last_id)
{
    return {.table = "audit_keys", .column = "key", .user_id = last_id};
}

KeptKeys read_kept_keys(const std::filesystem::path& file, const auth::MasterKeySource& source,
                        std::chrono::milliseconds busy_timeout)
{
    Connection connection(file, Connection::Use::read, busy_timeout);
    return connection.attempt(kReadingKeys, [&] { return read(connection, source); });
}

}  // namespace securelogin::store
