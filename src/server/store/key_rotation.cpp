#include "server/store/key_rotation.hpp"

#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <utility>

#include "server/store/audit_migration.hpp"
#include "server/store/connection.hpp"
#include "server/store/execution.hpp"
#include "server/store/kept_keys.hpp"
#include "server/store/migrations.hpp"
#include "server/store/rows.hpp"
#include "server/store/statements.hpp"

namespace securelogin::store {
namespace {

constexpr std::string_view kRotating = "rotating the master key of";
constexpr int kPage = 256;  // users read at once, and resealed in one transaction

/// SQLite's lock knows no queue: who waits for it looks again now and then.  So that others find it free most
/// of the time, it is left alone for longer than it was held.
constexpr int kPausePerHold = 2;

auth::AuditRecord record_of(auth::Time now, std::string_view event, std::string reason)
{
    return {.at = now,
            .event = std::string(event),
            .outcome = "done",
            .reason = std::move(reason),
            .source = "admin"};
}

std::vector<std::uint8_t> copy_of(std::span<const std::uint8_t> octets)
{
    return {octets.begin(), octets.end()};
}

}  // namespace

/// What is sealed of a user, as it is.
struct KeyRotation::Sealed {
    auth::UserName name;
    auth::UserId id;
    SealedValue password_hash;
    SealedValue totp_secret;  // empty where there is none
};

/// One value, before and after.
struct KeyRotation::Resealed {
    enum class What { password, totp } what;
    std::string name;
    auth::UserId id;
    SealedValue before;
    SealedValue after;
};

KeyRotation::KeyRotation(const std::filesystem::path& file, const auth::MasterKeySource& source,
                         std::chrono::milliseconds busy_timeout)
    : connection_(std::make_unique<Connection>(file, Connection::Use::write, busy_timeout)),
      old_master_(std::move(source().front())),
      new_master_(std::move(source().back()))
{
    // What is written over is gone from the file too.  All of it is read: a mapping would grow with it.
    connection_->attempt(
        kRotating, [&] { connection_->database().exec("PRAGMA secure_delete = ON; PRAGMA mmap_size = 0"); });
}

KeyRotation::~KeyRotation() = default;

bool KeyRotation::begin(auth::Time now)
{
    return connection_->attempt(kRotating, [&] {
        SQLite::Transaction transaction(connection_->database(), SQLite::TransactionBehavior::IMMEDIATE);
        const auto in_use = key_in_use();
        if (in_use == new_master_.id()) return false;
        if (in_use != old_master_.id()) {
            throw store_error(kRotating, connection_->file(), "it is under another master key",
                              "put the master.key that belongs to it in its place");
        }
        const auto head = genuine_head(old_.chain);
        keep_keys(head.last);
        append(head, new_.chain,
               record_of(now, "key.rotate",
                         auth::key_id_text(old_master_.id()) + " to " + auth::key_id_text(new_master_.id())));
        transaction.commit();
        return true;
    });
}

/// Inside begin's transaction.
void KeyRotation::keep_keys(const auth::AuditMark& last)
{
    auto& database = connection_->database();
    // In the memory of the lock: few rows, one for each rotation there has ever been.
    std::vector<std::pair<std::int64_t, Secret>> chains;
    {
        SQLite::Statement row(database, sql::kAuditKeys);
        while (row.executeStep()) {
            const auto id = row.getColumn(0).getInt64();
            chains.emplace_back(id, old_.sealer.open(octets_in(row.getColumn(1)), audit_key_up_to(id)));
        }
    }
    chains.emplace_back(last.id, auth::AuditChain::key_of(old_master_));
    SQLite::Statement keep(database, sql::kKeepAuditKey);
    for (const auto& [id, key] : chains)
        Execution(keep, id, new_.sealer.seal(key, audit_key_up_to(id))).run();

    SQLite::Statement kept(database, sql::kFindKeptKeys);
    const bool first = !kept.executeStep() || kept.isColumnNull(2);
    const auto names = first ? auth::NameKeyer::key_of(old_master_)
                             : old_.sealer.open(octets_in(kept.getColumn(2)), kNameKey);
    kept.reset();
    SQLite::Statement begin_rotation(database, sql::kBeginRotation);
    Execution(begin_rotation, std::int64_t{new_master_.id()},
              new_.sealer.seal(Secret::copy_of(kKeyCheckText), kKeyCheck), std::int64_t{old_master_.id()},
              new_.sealer.seal(names, kNameKey))
        .run();
}

std::uint64_t KeyRotation::reseal(const std::function<void(std::uint64_t)>& progress)
{
    std::uint64_t values = 0;
    std::uint64_t users = 0;
    std::string last;
    for (;;) {
        const auto page = read_page(last);
        if (page.empty()) return values;
        const auto resealed = connection_->attempt(kRotating, [&] { return reseal(page); });
        if (!resealed.empty()) write_page(resealed);
        values += resealed.size();
        users += page.size();
        last = page.back().name.str();
        progress(users);
    }
}

std::vector<KeyRotation::Sealed> KeyRotation::read_page(const std::string& after)
{
    return connection_->attempt(kRotating, [&] {
        std::vector<Sealed> page;
        SQLite::Statement row(connection_->database(), sql::kSealedAfter);
        Execution rows(row, after, kPage);
        while (rows.next()) {
            const auto name = auth::UserName::parse(row.getColumn(0).getString());
            if (!name) throw SQLite::Exception("a user name that is none", SQLITE_CORRUPT);
            page.push_back({.name = *name,
                            .id = auth::UserId(row.getColumn(1).getInt64()),
                            .password_hash = copy_of(octets_in(row.getColumn(2))),
                            .totp_secret = copy_of(octets_in(row.getColumn(3)))});
        }
        return page;
    });
}

/// Those that are not under the new key.  Outside of any transaction: this is what takes its time.
std::vector<KeyRotation::Resealed> KeyRotation::reseal(const std::vector<Sealed>& page) const
{
    std::vector<Resealed> resealed;
    const auto add = [&](Resealed::What what, const Sealed& user, const SealedValue& value,
                         const SealedPlace& place) {
        if (value.empty() || key_id_of(value) == new_master_.id()) return;
        resealed.push_back({.what = what,
                            .name = user.name.str(),
                            .id = user.id,
                            .before = value,
                            .after = under_new_key(value, place)});
    };
    for (const auto& user : page) {
        add(Resealed::What::password, user, user.password_hash, password_hash_of(user.id, user.name));
        add(Resealed::What::totp, user, user.totp_secret, totp_secret_of(user.id, user.name));
    }
    return resealed;
}

SealedValue KeyRotation::under_new_key(const SealedValue& value, const SealedPlace& place) const
{
    try {
        return new_.sealer.seal(old_.sealer.open(value, place), place);
    } catch (const SealError& error) {
        throw store_error(kRotating, connection_->file(), error.what(),
                          "give that user a new password (user passwd) or a new key (user reset-totp), and "
                          "rotate again");
    }
}

void KeyRotation::write_page(const std::vector<Resealed>& page)
{
    using std::chrono::steady_clock;
    const auto held = connection_->attempt(kRotating, [&] {
        // What a power cut takes is resealed again; finish() puts all of it on the disk.
        connection_->database().exec("PRAGMA synchronous = NORMAL");
        SQLite::Statement password(connection_->database(), sql::kResealPassword);
        SQLite::Statement totp(connection_->database(), sql::kResealTotp);
        SQLite::Transaction transaction(connection_->database(), SQLite::TransactionBehavior::IMMEDIATE);
        const auto begun = steady_clock::now();
        for (const auto& value : page) {
            if (value.what == Resealed::What::password) {
                Execution(password, value.after, value.name, value.id, value.before).run();
            } else {
                Execution(totp, value.after, value.id, value.before).run();
            }
        }
        transaction.commit();
        connection_->database().exec("PRAGMA synchronous = FULL");
        return steady_clock::now() - begun;
    });
    std::this_thread::sleep_for(kPausePerHold * held);
}

void KeyRotation::finish(auth::Time now)
{
    connection_->attempt(kRotating, [&] {
        SQLite::Transaction transaction(connection_->database(), SQLite::TransactionBehavior::IMMEDIATE);
        std::uint32_t retired = 0;
        {
            SQLite::Statement kept(connection_->database(), sql::kFindKeptKeys);
            if (!kept.executeStep() || kept.isColumnNull(1)) return;
            retired = key_id_in(kept.getColumn(1));
        }
        connection_->database().exec(sql::kEndRotation);
        append(genuine_head(new_.chain), new_.chain,
               record_of(now, "key.retire", auth::key_id_text(retired)));
        transaction.commit();
    });
}

bool KeyRotation::empty_log()
{
    return connection_->attempt(kRotating, [&] {
        return connection_->database().execAndGet("PRAGMA wal_checkpoint(TRUNCATE)").getInt() == 0;
    });
}

std::uint64_t KeyRotation::count_users()
{
    return connection_->attempt(kRotating, [&] {
        return static_cast<std::uint64_t>(connection_->database().execAndGet(sql::kCountUsers).getInt64());
    });
}

std::uint32_t KeyRotation::key_in_use()
{
    SQLite::Statement kept(connection_->database(), sql::kFindKeptKeys);
    if (!kept.executeStep()) {
        throw store_error(kRotating, connection_->file(), "it has no installation",
                          "restore it from a backup");
    }
    return key_id_in(kept.getColumn(0));
}

/// Where the audit ends, in the transaction that is to go on from there.
auth::AuditHead KeyRotation::genuine_head(const auth::AuditChain& chain)
{
    SQLite::Statement row(connection_->database(), sql::kFindAuditHead);
    const auto head = row.executeStep() ? audit_head_in(row) : std::nullopt;
    if (head && chain.is_genuine(*head)) return *head;
    throw store_error(kRotating, connection_->file(), "the end of the audit has been tampered with",
                      "see `securelogin-admin audit verify`, and restore the database from a backup");
}

void KeyRotation::append(const auth::AuditHead& head, const auth::AuditChain& chain,
                         const auth::AuditRecord& record)
{
    const auto mark = chain.mark(head.last.mac, head.last.id + 1, record);
    SQLite::Statement append_audit(connection_->database(), sql::kAppendAudit);
    insert_audit_record(append_audit, mark, record);
    SQLite::Statement move_head(connection_->database(), sql::kMoveAuditHead);
    Execution(move_head, mark.id, mark.mac, chain.head(mark).mac).run();
}

}  // namespace securelogin::store
