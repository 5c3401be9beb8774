// Sessions and devices: sqlite_transaction.hpp.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/store/execution.hpp"
#include "server/store/rows.hpp"
#include "server/store/sqlite_transaction.hpp"

namespace securelogin::store {
namespace {

using auth::Time;
using auth::UserId;

}  // namespace

bool SqliteTransaction::open_session(const auth::Session& session)
{
    return change("opening a session in", statements_.open_session, session.user, session.id,
                  session.opened_at, session.expires_at, session.last_used_at, session.source) == 1;
}

std::optional<auth::Session> SqliteTransaction::find_session(UserId user, std::string_view id)
{
    return attempt("finding a session in", [&]() -> std::optional<auth::Session> {
        auto& row = statements_.find_session;
        Execution found(row, user, id);
        if (!found.next()) return std::nullopt;
        return session_in(row);
    });
}

void SqliteTransaction::touch_session(const auth::Session& session, Time last_used_at)
{
    change("marking a session in", statements_.touch_session, last_used_at, session.user, session.id);
}

void SqliteTransaction::end_session(UserId user, std::string_view id)
{
    change("ending a session in", statements_.end_session, user, id);
}

void SqliteTransaction::end_sessions(UserId user, std::string_view except)
{
    change("ending sessions in", statements_.end_sessions, user, except);
}

std::vector<auth::Session> SqliteTransaction::sessions(UserId user)
{
    return attempt("listing sessions in", [&] {
        std::vector<auth::Session> sessions;
        Execution rows(statements_.sessions_of, user);
        while (rows.next()) sessions.push_back(session_in(statements_.sessions_of));
        return sessions;
    });
}

void SqliteTransaction::set_session_token(const auth::Session& session,
                                          const std::optional<auth::TokenHash>& token)
{
    change("setting a token in", statements_.set_session_token, token, session.user, session.id);
}

std::optional<auth::Device> SqliteTransaction::find_device(const auth::UserName& name,
                                                           const auth::DeviceFingerprint& fingerprint)
{
    return attempt("finding a device in", [&] {
        Execution found(statements_.find_device, name.str(), fingerprint);
        return found.next() ? std::optional(device_in(statements_.find_device)) : std::nullopt;
    });
}

void SqliteTransaction::remember_device(UserId user, const auth::DeviceFingerprint& fingerprint, Time now,
                                        const std::string& source)
{
    constexpr std::string_view doing = "remembering a device in";
    constexpr auto others = static_cast<std::int64_t>(auth::kMostDevices - 1);
    if (change(doing, statements_.see_device, now, source, user, fingerprint) == 1) return;
    change(doing, statements_.add_device, user, fingerprint, now, now, source);
    change(doing, statements_.forget_old_devices, user, fingerprint, others);
}

bool SqliteTransaction::forget_device(UserId user, const auth::DeviceFingerprint& fingerprint)
{
    return change("forgetting a device in", statements_.forget_device, user, fingerprint) == 1;
}

std::vector<auth::Device> SqliteTransaction::devices(UserId user)
{
    return attempt("listing devices in", [&] {
        std::vector<auth::Device> devices;
        Execution rows(statements_.devices_of, user);
        while (rows.next()) devices.push_back(device_in(statements_.devices_of));
        return devices;
    });
}

void SqliteTransaction::forget_devices(UserId user, const std::optional<auth::DeviceFingerprint>& except)
{
    constexpr std::string_view doing = "forgetting devices in";
    if (except) {
        change(doing, statements_.forget_other_devices, user, *except);
    } else {
        change(doing, statements_.forget_devices, user);
    }
}

}  // namespace securelogin::store
