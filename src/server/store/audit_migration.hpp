// audit_migration.hpp: the audit's chain in a database that has none yet.
#pragma once

#include <SQLiteCpp/Statement.h>

#include "server/auth/audit_chain.hpp"
#include "server/store/connection.hpp"

namespace securelogin::store {

/// Inside a transaction.  REQUIRES: there is no head.
void make_audit_head(Connection& connection, const auth::AuditHead& head);

/// One record, as it is, without the head.
void insert_audit_record(SQLite::Statement& append_audit, const auth::AuditMark& mark,
                         const auth::AuditRecord& record);

/// Schema 1 to 2: the records in audit_1 as a chain in audit, ids as they were, a record that says how many
/// there were (auth::kChainBegins), and the head; audit_1 is gone.  Bounded memory whatever their number.
/// Inside a transaction.
void chain_old_audit(Connection& connection, const auth::AuditChain& chain);

}  // namespace securelogin::store
