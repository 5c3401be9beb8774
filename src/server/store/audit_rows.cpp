// Audit records as rows hold them: rows.hpp.
#include <algorithm>

#include "server/store/rows.hpp"

namespace securelogin::store {
namespace {

/// The columns of sql::kReadAudit; kUserName is in sql::kAuditPage only.
enum Field : int { kId, kAt, kEvent, kOutcome, kReason, kUserId, kNameOf, kSource, kDevice, kMac, kUserName };

/// Copies a blob of exactly the right size; false when it is none.
template <typename Octets>
bool copy_blob(const SQLite::Column& column, Octets& out)
{
    if (!column.isBlob()) return false;
    const auto octets = octets_in(column);
    if (octets.size() != out.size()) return false;
    std::ranges::copy(octets, out.begin());
    return true;
}

/// We write null where there is nothing to say: an empty text is another's.
bool copy_text(const SQLite::Column& column, std::string& out)
{
    if (column.isNull()) return true;
    out = column.getString();
    return column.isText() && !out.empty();
}

}  // namespace

std::optional<std::string> unless_empty(const std::string& text)
{
    return text.empty() ? std::nullopt : std::optional(text);
}

auth::AuditEntry audit_entry_in(SQLite::Statement& row)
{
    auth::AuditEntry entry;
    auto& record = entry.record;
    const auto user = row.getColumn(kUserId);
    const auto name = row.getColumn(kNameOf);
    entry.mark.id = row.getColumn(kId).getInt64();
    record.at = time_in(row.getColumn(kAt));
    if (!user.isNull()) record.user = auth::UserId(user.getInt64());
    bool good = row.getColumn(kId).isInteger() && row.getColumn(kAt).isInteger();
    good = (user.isNull() || user.isInteger()) && good;
    good = (name.isNull() || copy_blob(name, record.name.emplace())) && good;
    good = copy_text(row.getColumn(kEvent), record.event) && !record.event.empty() && good;
    good = copy_text(row.getColumn(kOutcome), record.outcome) && !record.outcome.empty() && good;
    good = copy_text(row.getColumn(kReason), record.reason) && good;
    good = copy_text(row.getColumn(kSource), record.source) && good;
    good = copy_text(row.getColumn(kDevice), record.device) && good;
    good = copy_blob(row.getColumn(kMac), entry.mark.mac) && good;
    entry.well_formed = good;
    if (row.getColumnCount() > kUserName) entry.user_name = row.getColumn(kUserName).getString();
    return entry;
}

std::optional<auth::AuditHead> audit_head_in(SQLite::Statement& row)
{
    auth::AuditHead head;
    const auto last = row.getColumn(0);
    head.last.id = last.getInt64();
    const bool good = last.isInteger() && copy_blob(row.getColumn(1), head.last.mac) &&
                      copy_blob(row.getColumn(2), head.mac);
    return good ? std::optional(head) : std::nullopt;
}

}  // namespace securelogin::store
