// audit.hpp: what is written down of every attempt and every change, in the transaction of what it records.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "server/auth/account.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/master_key.hpp"

namespace securelogin::auth {

struct AuditRecord {
    Time at;
    std::string event;                 // `login`, `user.add`, ...: docs/security.md lists them
    std::string outcome;               // `granted`, `refused`, `done`, `raised`
    std::string reason = {};           // for the operator; empty where there is nothing to say
    std::optional<UserId> user = {};   // whose account, where there is one
    std::optional<NameKey> name = {};  // else what was typed, keyed
    std::string source = {};           // Source::address(), or `admin`
    std::string device = {};           // short_form() of the device that the attempt came from, if any
};

using AuditMac = std::array<std::uint8_t, 32>;

/// A record's place in the audit, and its MAC (auth/audit_chain.hpp): says of all records up to it what they
/// were.
struct AuditMark {
    std::int64_t id = 0;  // from 1, in the order of the commits; nought: before the first
    AuditMac mac{};

    friend bool operator==(const AuditMark&, const AuditMark&) = default;
};

/// A record as it is kept.
struct AuditEntry {
    AuditMark mark;
    AuditRecord record;
    bool well_formed = true;     // false: we write no such rows
    std::string user_name = {};  // of record.user, where the account is still there
};

/// Where the audit ends: the last record, and a MAC that only the writer can make of that.
struct AuditHead {
    AuditMark last;
    AuditMac mac{};
};

/// Which records are wanted: all of these at once.
struct AuditQuery {
    std::int64_t after = 0;          // with greater ids
    std::optional<Time> since = {};  // not older
    std::optional<std::string> event = {};
    std::optional<UserName> user = {};        // about this account, or a removed one of the name, ...
    std::optional<NameKey> name = {};         // ... or attempts at the name while there was none
    std::optional<std::int64_t> newest = {};  // no more than so many, the newest
};

}  // namespace securelogin::auth
