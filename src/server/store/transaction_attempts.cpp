// What attempts have cost, and where users come from: sqlite_transaction.hpp.
#include <cstdint>
#include <string_view>

#include "server/store/execution.hpp"
#include "server/store/rows.hpp"
#include "server/store/sqlite_transaction.hpp"

namespace securelogin::store {
namespace {

using auth::Account;
using auth::NameKey;
using auth::Source;
using auth::Time;

}  // namespace

auth::Failures SqliteTransaction::failures(const NameKey& name, const Source& source)
{
    return attempt("reading failures from", [&] {
        auto& row = statements_.find_failures;
        Execution found(row, name, source.bucket());
        if (!found.next()) return auth::Failures{};
        auth::Failures failures{.password = row.getColumn(0).getInt(), .code = row.getColumn(1).getInt()};
        if (!row.isColumnNull(2)) failures.wait_until = time_in(row.getColumn(2));
        return failures;
    });
}

void SqliteTransaction::save_failures(const NameKey& name, const Source& source,
                                      const auth::Failures& failures, Time now)
{
    constexpr std::string_view doing = "saving failures to";
    if (failures == auth::Failures{}) {
        change(doing, statements_.forget_failures, name, source.bucket());
    } else {
        change(doing, statements_.save_failures, name, source.bucket(), failures.password, failures.code,
               failures.wait_until, now);
    }
}

void SqliteTransaction::count_refusal(const NameKey& name, Time now)
{
    change("counting a refusal in", statements_.count_refusal, name, now);
}

int SqliteTransaction::refusals(const NameKey& name)
{
    return attempt("reading refusals from", [&] {
        Execution found(statements_.find_refusals, name);
        return found.next() ? statements_.find_refusals.getColumn(0).getInt() : 0;
    });
}

auth::WholeAgain SqliteTransaction::ceiling(const NameKey& name)
{
    return attempt("reading a ceiling from", [&]() -> auth::WholeAgain {
        Execution found(statements_.find_ceiling, name);
        if (!found.next()) return std::nullopt;
        return time_in(statements_.find_ceiling.getColumn(0));
    });
}

void SqliteTransaction::save_ceiling(const NameKey& name, auth::WholeAgain whole_again)
{
    constexpr std::string_view doing = "saving a ceiling to";
    if (whole_again) {
        change(doing, statements_.save_ceiling, name, *whole_again);
    } else {
        change(doing, statements_.forget_ceiling, name);
    }
}

bool SqliteTransaction::knows_source(const auth::UserName& name, const Source& source, Time since)
{
    return attempt("looking for a source in", [&] {
        return Execution(statements_.knows_source, name.str(), source.bucket(), since).next();
    });
}

void SqliteTransaction::remember_source(const Account& account, const Source& source, Time now)
{
    constexpr std::string_view doing = "remembering a source in";
    change(doing, statements_.remember_source, account.id, source.bucket(), now);
    change(doing, statements_.forget_old_sources, account.id,
           static_cast<std::int64_t>(auth::kMostKnownSources));
}

void SqliteTransaction::forget_refusals(const NameKey& name)
{
    change("forgetting refusals in", statements_.forget_refusals, name);
}

}  // namespace securelogin::store
