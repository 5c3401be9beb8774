#include "tests/support/memory_store.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <ranges>
#include <tuple>
#include <utility>

namespace securelogin::support {
namespace {

using auth::Account;
using auth::StoreError;
using auth::Time;
using State = MemoryStore::State;

std::shared_ptr<const Secret> share(const Secret& secret) { return std::make_shared<Secret>(secret.clone()); }

std::optional<Account> find_account_in(const State& state, const auth::UserName& name)
{
    const auto found = state.users.find(name.str());
    if (found == state.users.end()) return std::nullopt;
    return found->second.account;
}

std::optional<auth::Invitation> invitation_in(const State& state, const auth::UserName& name)
{
    const auto found = state.invitations.find(name.str());
    return found == state.invitations.end() ? std::nullopt : std::optional(found->second);
}

int recovery_codes_in(const State& state, auth::UserId user)
{
    return static_cast<int>(
        std::ranges::count_if(state.recovery_codes, [&](const auto& row) { return row.first == user; }));
}

/// The last seen first.
std::vector<auth::Device> devices_in(const State& state, auth::UserId user)
{
    std::vector<auth::Device> devices;
    for (const auto& [key, device] : state.devices) {
        if (key.first == user) devices.push_back(device);
    }
    std::ranges::sort(devices, [](const auth::Device& a, const auth::Device& b) {
        return std::tie(b.last_seen, a.fingerprint) < std::tie(a.last_seen, b.fingerprint);
    });
    return devices;
}

auth::AuditMark last_mark_in(const State& state)
{
    return state.audit.empty() ? auth::AuditMark{} : state.audit.back().mark;
}

/// The name of the account that has this id, or had it; empty when there is none.
std::string name_of(const State& state, const std::optional<auth::UserId>& user)
{
    for (const auto& [name, row] : state.users) {
        if (row.account.id == user) return name;
    }
    return "";
}

bool is_about(const State& state, const auth::AuditRecord& record, const auth::AuditQuery& query)
{
    if (!query.user) return true;
    const auto removed = [&](const auth::AuditEntry& entry) {
        return entry.record.event == "user.remove" && entry.record.reason == query.user->str() &&
               entry.record.user == record.user;
    };
    return (record.name && record.name == query.name) ||
           (record.user &&
            (name_of(state, record.user) == query.user->str() || std::ranges::any_of(state.audit, removed)));
}

bool is_wanted(const State& state, const auth::AuditEntry& entry, const auth::AuditQuery& query)
{
    return entry.mark.id > query.after && (!query.since || entry.record.at >= *query.since) &&
           (!query.event || entry.record.event == *query.event) && is_about(state, entry.record, query);
}

using Tokens = std::map<std::pair<auth::UserId, std::string>, auth::TokenHash>;

/// Of sessions that are there, of users who are active.
Tokens valid_tokens_in(const State& state)
{
    Tokens valid;
    for (const auto& [key, hash] : state.tokens) {
        const auto user = state.users.find(name_of(state, key.first));
        const bool active =
            user != state.users.end() && user->second.account.state == auth::AccountState::active;
        if (active && state.sessions.contains(key)) valid.emplace(key, hash);
    }
    return valid;
}

/// Erases at most `rows` elements for which `gone` holds; true when there may be more.
template <typename Map, typename Gone>
bool erase_some(Map& map, std::size_t rows, Gone gone)
{
    std::size_t erased = 0;
    for (auto it = map.begin(); it != map.end() && erased < rows;) {
        if (gone(it->second)) {
            it = map.erase(it);
            ++erased;
        } else {
            ++it;
        }
    }
    return erased == rows;
}

/// Erases those with the smallest `rank`, beyond purge.most_kept; true when there are more of them.
template <typename Map, typename Rank>
bool trim(Map& map, const auth::Purge& purge, Rank rank)
{
    for (std::size_t erased = 0; map.size() > purge.most_kept; ++erased) {
        if (erased == purge.rows) return true;
        map.erase(std::ranges::min_element(map, {}, rank));
    }
    return false;
}

class MemoryTransaction final : public auth::Transaction {
  public:
    MemoryTransaction(State& state, const auth::AuditChain& chain) : state_(state), chain_(chain) {}

    std::optional<Account> find_account(const auth::UserName& name) override
    {
        return find_account_in(state_, name);
    }

    bool add_account(const auth::NewAccount& added) override
    {
        const auto same_id = [&](const auto& user) { return user.second.account.id == added.id; };
        if (state_.users.contains(added.name.str())) return false;
        if (std::ranges::any_of(state_.users, same_id)) fail("memory store: the user id is taken");
        Account account{.id = added.id,
                        .name = added.name,
                        .created_at = added.created_at,
                        .password_set_at = added.created_at};
        account.totp = auth::TotpEnrolment{.parameters = added.totp, .enrolled_at = added.created_at};
        state_.users.emplace(added.name.str(),
                             State::User{account, share(added.phc), share(added.totp_secret)});
        return true;
    }

    void set_state(const Account& account, auth::AccountState state) override
    {
        user(account).account.state = state;
    }

    void remove_account(const Account& account) override
    {
        const auto id = user(account).account.id;
        state_.users.erase(account.name.str());
        end_sessions(id, "");
        std::erase_if(state_.known_sources, [&](const auto& row) { return row.first.first == id; });
        forget_devices(id, std::nullopt);
        std::erase_if(state_.recovery_codes, [&](const auto& row) { return row.first == id; });
    }

    void set_password(const Account& account, const Secret& phc, Time now) override
    {
        auto& found = user(account);
        found.phc = share(phc);
        found.account.password_epoch += 1;
        found.account.password_set_at = now;
        found.account.must_change = false;
    }

    void require_new_password(const Account& account) override { user(account).account.must_change = true; }

    bool renew_password_hash(const Account& account, std::int64_t epoch, const Secret& phc) override
    {
        auto* const found = find(account);
        if (found == nullptr || found->account.password_epoch != epoch) return false;
        found->phc = share(phc);
        return true;
    }

    void record_login(const Account& account, const auth::LastLogin& login) override
    {
        user(account).account.last_login = login;
    }

    Secret totp_secret(const Account& account) override { return user(account).totp_secret->clone(); }

    void set_totp(const Account& account, const Secret& secret, const auth::TotpParameters& parameters,
                  Time now) override
    {
        auto& found = user(account);
        found.totp_secret = share(secret);
        found.account.totp = auth::TotpEnrolment{.parameters = parameters, .enrolled_at = now};
    }

    void remove_totp(const Account& account) override
    {
        auto& found = user(account);
        found.totp_secret.reset();
        found.account.totp.reset();
    }

    void save_invitation(const auth::Invitation& invitation) override
    {
        const auto held = find_invitation(invitation.hash);
        if (held && held->name != invitation.name) fail("memory store: the invitation's hash is taken");
        state_.invitations.insert_or_assign(invitation.name.str(), invitation);
    }

    std::optional<auth::Invitation> find_invitation(const auth::InvitationHash& hash) override
    {
        for (const auto& [name, invitation] : state_.invitations) {
            if (invitation.hash == hash) return invitation;
        }
        return std::nullopt;
    }

    std::optional<auth::Invitation> invitation_of(const auth::UserName& name) override
    {
        return invitation_in(state_, name);
    }

    bool spend_invitation(const auth::Invitation& invitation, Time now) override
    {
        const auto held = invitation_of(invitation.name);
        if (!held || held->hash != invitation.hash || held->expires_at <= now) return false;
        return remove_invitation(invitation.name);
    }

    bool remove_invitation(const auth::UserName& name) override
    {
        return state_.invitations.erase(name.str()) == 1;
    }

    bool spend_step(auth::UserId id, auth::TimeStep step) override
    {
        auto* const totp = enrolment(id);
        if (totp == nullptr || totp->last_step >= step) return false;
        totp->last_step = step;
        return true;
    }

    void count_code_failure(auth::UserId id) override
    {
        auto* const totp = enrolment(id);
        if (totp == nullptr) fail("memory store: no enrolment");
        totp->failures += 1;
    }

    void set_recovery_codes(const Account& account, std::span<const auth::RecoveryCodeHash> hashes) override
    {
        user(account).account.recovery_codes_made = static_cast<int>(hashes.size());
        std::erase_if(state_.recovery_codes, [&](const auto& row) { return row.first == account.id; });
        for (const auto& hash : hashes) {
            if (!state_.recovery_codes.emplace(account.id, hash).second) fail("memory store: a code twice");
        }
    }

    bool spend_recovery_code(auth::UserId id, const auth::RecoveryCodeHash& hash) override
    {
        return state_.recovery_codes.erase({id, hash}) == 1;
    }

    int count_recovery_codes(auth::UserId id) override { return recovery_codes_in(state_, id); }

    auth::Failures failures(const auth::NameKey& name, const auth::Source& source) override
    {
        const auto found = state_.failures.find({name, source.bucket()});
        return found == state_.failures.end() ? auth::Failures{} : found->second.failures;
    }

    void save_failures(const auth::NameKey& name, const auth::Source& source, const auth::Failures& failures,
                       Time now) override
    {
        if (failures == auth::Failures{}) {
            state_.failures.erase({name, source.bucket()});
        } else {
            state_.failures[{name, source.bucket()}] = {failures, now};
        }
    }

    void count_refusal(const auth::NameKey& name, Time now) override
    {
        auto& row = state_.refusals[name];
        row.refused += 1;
        row.updated_at = now;
    }

    int refusals(const auth::NameKey& name) override
    {
        const auto found = state_.refusals.find(name);
        return found == state_.refusals.end() ? 0 : found->second.refused;
    }

    void forget_refusals(const auth::NameKey& name) override { state_.refusals.erase(name); }

    auth::WholeAgain ceiling(const auth::NameKey& name) override
    {
        const auto found = state_.ceilings.find(name);
        return found == state_.ceilings.end() ? std::nullopt : std::optional(found->second);
    }

    void save_ceiling(const auth::NameKey& name, auth::WholeAgain whole_again) override
    {
        state_.ceilings.erase(name);
        if (whole_again) state_.ceilings.emplace(name, *whole_again);
    }

    bool knows_source(const auth::UserName& name, const auth::Source& source, Time since) override
    {
        const auto account = find_account(name);
        if (!account) return false;
        const auto found = state_.known_sources.find({account->id, source.bucket()});
        return found != state_.known_sources.end() && found->second >= since;
    }

    void remember_source(const Account& account, const auth::Source& source, Time now) override
    {
        state_.known_sources[{account.id, source.bucket()}] = now;
        const auto of_user = [&](const auto& row) { return row.first.first == account.id; };
        const auto older = [](const auto& a, const auto& b) { return a.second < b.second; };
        while (std::ranges::count_if(state_.known_sources, of_user) >
               std::ptrdiff_t{auth::kMostKnownSources}) {
            auto rows = state_.known_sources | std::views::filter(of_user);
            state_.known_sources.erase(std::ranges::min_element(rows, older)->first);
        }
    }

    bool open_session(const auth::Session& session) override
    {
        if (enrolment(session.user) == nullptr) fail("memory store: a session of nobody");
        const auto [at, opened] = state_.sessions.emplace(std::pair(session.user, session.id), session);
        if (opened) state_.tokens.erase(at->first);
        return opened;
    }

    std::optional<auth::Session> find_session(auth::UserId id, std::string_view session) override
    {
        const auto found = state_.sessions.find({id, std::string(session)});
        if (found == state_.sessions.end()) return std::nullopt;
        return found->second;
    }

    void touch_session(const auth::Session& session, Time last_used_at) override
    {
        const auto found = state_.sessions.find({session.user, session.id});
        if (found != state_.sessions.end()) found->second.last_used_at = last_used_at;
    }

    void end_session(auth::UserId id, std::string_view session) override
    {
        state_.sessions.erase({id, std::string(session)});
    }

    void end_sessions(auth::UserId id, std::string_view except) override
    {
        std::erase_if(state_.sessions,
                      [&](const auto& row) { return row.first.first == id && row.first.second != except; });
    }

    std::vector<auth::Session> sessions(auth::UserId id) override
    {
        std::vector<auth::Session> sessions;
        for (const auto& [key, session] : state_.sessions) {
            if (key.first == id) sessions.push_back(session);
        }
        return sessions;
    }

    void set_session_token(const auth::Session& session, const std::optional<auth::TokenHash>& token) override
    {
        const auto found = state_.sessions.find({session.user, session.id});
        if (found == state_.sessions.end()) return;
        const auto taken = [&](const auto& row) {
            return row.second == token && row.first != found->first && state_.sessions.contains(row.first);
        };
        if (token && std::ranges::any_of(state_.tokens, taken)) fail("memory store: the token is taken");
        found->second.has_token = token.has_value();
        state_.tokens.erase(found->first);
        if (token) state_.tokens.emplace(found->first, *token);
    }

    std::optional<auth::Device> find_device(const auth::UserName& name,
                                            const auth::DeviceFingerprint& fingerprint) override
    {
        const auto account = find_account_in(state_, name);
        const auto found = account ? state_.devices.find({account->id, fingerprint}) : state_.devices.end();
        return found == state_.devices.end() ? std::nullopt : std::optional(found->second);
    }

    void remember_device(auth::UserId id, const auth::DeviceFingerprint& fingerprint, Time now,
                         const std::string& source) override
    {
        if (enrolment(id) == nullptr) fail("memory store: a device of nobody");
        const auth::Device seen{fingerprint, now, now, source};
        auto& device = state_.devices.try_emplace({id, fingerprint}, seen).first->second;
        device.last_seen = now;
        device.source = source;
        auto others = devices_in(state_, id);
        std::erase_if(others, [&](const auth::Device& other) { return other.fingerprint == fingerprint; });
        for (auto i = auth::kMostDevices - 1; i < others.size(); ++i) {
            state_.devices.erase({id, others[i].fingerprint});
        }
    }

    bool forget_device(auth::UserId id, const auth::DeviceFingerprint& fingerprint) override
    {
        return state_.devices.erase({id, fingerprint}) == 1;
    }

    std::vector<auth::Device> devices(auth::UserId id) override { return devices_in(state_, id); }

    void forget_devices(auth::UserId id, const std::optional<auth::DeviceFingerprint>& except) override
    {
        std::erase_if(state_.devices,
                      [&](const auto& row) { return row.first.first == id && row.first.second != except; });
    }

    auth::AuditMark append_audit(const auth::AuditRecord& record) override
    {
        const auto last = last_mark_in(state_);
        const auto mark = chain_.mark(last.mac, last.id + 1, record);
        state_.audit.push_back({.mark = mark, .record = record});
        return mark;
    }

    bool purge(const auth::Purge& purge) override
    {
        const auto rows = purge.rows;
        const auto stale = [&](const auto& row) { return row.updated_at < purge.forgotten; };
        const bool sessions = erase_some(state_.sessions, rows,
                                         [&](const auto& session) { return session.expires_at < purge.now; });
        const bool failures = erase_some(state_.failures, rows, stale);
        const bool refusals = erase_some(state_.refusals, rows, stale);
        const bool ceilings =
            erase_some(state_.ceilings, rows, [&](Time whole_at) { return whole_at <= purge.now; });
        const bool sources =
            erase_some(state_.known_sources, rows, [&](Time at) { return at < purge.forgotten_source; });
        const bool devices = erase_some(state_.devices, rows, [&](const auth::Device& device) {
            return device.last_seen < purge.now - auth::kDevicesForgotten;
        });
        const bool invitations = erase_some(
            state_.invitations, rows,
            [&](const auth::Invitation& invitation) { return invitation.expires_at <= purge.now; });
        const auto age = [](const auto& row) { return row.second.updated_at; };
        const bool many_failures = trim(state_.failures, purge, age);
        const bool many_refusals = trim(state_.refusals, purge, age);
        const bool many_ceilings = trim(state_.ceilings, purge, [](const auto& row) { return row.second; });
        const bool trimmed = many_failures || many_refusals || many_ceilings;
        return sessions || failures || refusals || ceilings || sources || devices || invitations || trimmed;
    }

    [[nodiscard]] bool failed() const noexcept { return failed_; }

  private:
    [[noreturn]] void fail(const char* why)
    {
        failed_ = true;
        throw StoreError(why);
    }

    State::User* find(const Account& account)
    {
        const auto found = state_.users.find(account.name.str());
        if (found == state_.users.end() || found->second.account.id != account.id) return nullptr;
        return &found->second;
    }

    State::User& user(const Account& account)
    {
        auto* const found = find(account);
        if (found == nullptr) fail("memory store: the account is gone");
        return *found;
    }

    auth::TotpEnrolment* enrolment(auth::UserId id)
    {
        for (auto& [name, user] : state_.users) {
            if (user.account.id == id && user.account.totp) return &*user.account.totp;
        }
        return nullptr;
    }

    State& state_;
    const auth::AuditChain& chain_;
    bool failed_ = false;
};

}  // namespace

/// Reads what is committed, one copy at a time.
class MemoryStore::Lookups final : public auth::Reader {
  public:
    explicit Lookups(const MemoryStore& store) : store_(store) {}

    std::optional<auth::StoredPassword> find_password(const auth::UserName& name) override
    {
        const auto state = committed();
        const auto found = state.users.find(name.str());
        if (found == state.users.end()) return std::nullopt;
        const auto& [account, phc, secret] = found->second;
        return auth::StoredPassword{account.id, account.password_epoch, phc->clone()};
    }

    std::optional<Account> find_account(const auth::UserName& name) override
    {
        return find_account_in(committed(), name);
    }

    void for_each_account(const std::function<void(const Account&)>& visit) override
    {
        const auto state = committed();
        for (const auto& [name, user] : state.users) visit(user.account);
    }

    void for_each_credentials(const std::function<void(const auth::Credentials&)>& visit) override
    {
        const auto state = committed();
        for (const auto& [name, user] : state.users) {
            auth::Credentials credentials{.account = user.account, .phc = user.phc->clone()};
            if (user.account.totp) credentials.totp_secret = user.totp_secret->clone();
            visit(credentials);
        }
    }

    std::size_t count_sessions(auth::UserId user, const auth::SessionPolicy& policy, Time now) override
    {
        const auto state = committed();
        return static_cast<std::size_t>(std::ranges::count_if(state.sessions, [&](const auto& row) {
            return row.second.user == user && is_live(row.second, policy, now);
        }));
    }

    int count_recovery_codes(auth::UserId user) override { return recovery_codes_in(committed(), user); }

    void for_each_session(
        const std::optional<auth::UserId>& of,
        const std::function<void(const auth::UserName&, const auth::Session&)>& visit) override
    {
        const auto state = committed();
        for (const auto& [key, session] : state.sessions) {
            if (!of || key.first == *of) visit(*auth::UserName::parse(name_of(state, key.first)), session);
        }
    }

    std::vector<auth::Device> devices(auth::UserId user) override { return devices_in(committed(), user); }

    std::optional<auth::Invitation> invitation_of(const auth::UserName& name) override
    {
        return invitation_in(committed(), name);
    }

    void for_each_invitation(const std::function<void(const auth::Invitation&)>& visit) override
    {
        const auto state = committed();
        for (const auto& [name, invitation] : state.invitations) visit(invitation);
    }

    void for_each_audit_entry(const auth::AuditQuery& query,
                              const std::function<bool(const auth::AuditEntry&)>& visit) override
    {
        const auto state = committed();
        std::vector<auth::AuditEntry> wanted;
        for (auto entry : state.audit) {
            entry.user_name = name_of(state, entry.record.user);
            if (is_wanted(state, entry, query)) wanted.push_back(entry);
        }
        const auto newest = static_cast<std::size_t>(query.newest.value_or(std::ssize(wanted)));
        const auto skipped = wanted.size() - std::min(wanted.size(), newest);
        for (auto i = skipped; i < wanted.size(); ++i) {
            if (!visit(wanted[i])) return;
        }
    }

    std::optional<auth::AuditHead> read_audit(
        const std::function<bool(const auth::AuditEntry&)>& visit) override
    {
        const auto state = committed();
        (void)std::ranges::all_of(state.audit, visit);
        return store_.chain_.head(last_mark_in(state));
    }

    auth::StoreSummary summary(const auth::SessionPolicy& policy, Time now) override
    {
        const auto state = committed();
        auth::StoreSummary summary{.users = state.users.size()};
        for (const auto& [name, user] : state.users) {
            summary.disabled += user.account.state == auth::AccountState::disabled ? 1U : 0U;
        }
        for (const auto& [key, session] : state.sessions)
            summary.sessions += is_live(session, policy, now) ? 1U : 0U;
        return summary;
    }

    auth::StoreState state(const auth::StateQuery& query) override
    {
        const auto held = committed();
        const auto count = [&](const auto& rows, auto counts) {
            const auto all = static_cast<std::size_t>(std::count_if(rows.begin(), rows.end(), counts));
            return std::min(all, query.most);
        };
        return {.waits = count(held.failures,
                               [&](const auto& row) {
                                   return row.second.updated_at >= query.waits_since &&
                                          row.second.failures.wait_until > query.now;
                               }),
                .ceilings = count(held.ceilings,
                                  [&](const auto& row) { return row.second > query.ceilings_reached; }),
                .sessions =
                    count(held.sessions, [&](const auto& row) { return row.second.expires_at > query.now; }),
                .last_audit = last_mark_in(held).id};
    }

  private:
    [[nodiscard]] State committed() const
    {
        const std::lock_guard lock(store_.mutex_);
        if (store_.unreadable_) throw StoreError("memory store: a test made reads fail");
        return store_.committed_;
    }

    const MemoryStore& store_;
};

class MemoryStore::TokenLookups final : public auth::TokenReader {
  public:
    explicit TokenLookups(const MemoryStore& store) : store_(store) {}

    std::optional<auth::FoundToken> find_token(const auth::TokenHash& token) override
    {
        const std::lock_guard lock(store_.mutex_);
        require_readable();
        const auto& state = store_.committed_;
        for (const auto& [key, hash] : valid_tokens_in(state)) {
            if (hash != token) continue;
            const auto& session = state.sessions.at(key);
            const auto name = *auth::UserName::parse(name_of(state, key.first));
            return auth::FoundToken{.holder = {.user = key.first,
                                               .name = name,
                                               .session = key.second,
                                               .expires_at = session.expires_at,
                                               .last_used_at = session.last_used_at,
                                               .must_change = find_account_in(state, name)->must_change},
                                    .as_of = std::ssize(state.token_endings)};
        }
        return std::nullopt;
    }

    auth::TokenEndings endings() override
    {
        const std::lock_guard lock(store_.mutex_);
        require_readable();
        return std::ssize(store_.committed_.token_endings);
    }

    std::optional<std::vector<auth::TokenHash>> ended_since(auth::TokenEndings seen) override
    {
        const std::lock_guard lock(store_.mutex_);
        require_readable();
        const auto& all = store_.committed_.token_endings;
        if (seen > std::ssize(all)) return std::nullopt;
        return std::vector<auth::TokenHash>(all.begin() + seen, all.end());
    }

  private:
    void require_readable() const
    {
        if (store_.unreadable_) throw StoreError("memory store: a test made reads fail");
    }

    const MemoryStore& store_;
};

MemoryStore::MemoryStore() : writer_([this] { write(); }) {}

MemoryStore::~MemoryStore()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    writer_.join();
}

void MemoryStore::submit(Work work, Done done)
{
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back({std::move(work), std::move(done)});
    }
    wake_.notify_all();
}

std::unique_ptr<auth::Reader> MemoryStore::open_reader() { return std::make_unique<Lookups>(*this); }

std::unique_ptr<auth::TokenReader> MemoryStore::open_token_reader()
{
    return std::make_unique<TokenLookups>(*this);
}

std::vector<auth::AuditRecord> MemoryStore::audit() const
{
    const std::lock_guard lock(mutex_);
    std::vector<auth::AuditRecord> records;
    for (const auto& entry : committed_.audit) records.push_back(entry.record);
    return records;
}

void MemoryStore::hold()
{
    const std::lock_guard lock(mutex_);
    held_ = true;
}

void MemoryStore::release()
{
    {
        const std::lock_guard lock(mutex_);
        held_ = false;
    }
    wake_.notify_all();
}

void MemoryStore::fail_commits(bool fail)
{
    const std::lock_guard lock(mutex_);
    failing_ = fail;
}

void MemoryStore::fail_reads(bool fail)
{
    const std::lock_guard lock(mutex_);
    unreadable_ = fail;
}

void MemoryStore::write()
{
    for (;;) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || (!held_ && !queue_.empty()); });
        if (queue_.empty()) return;
        const Job job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        job.done(run(job.work));
    }
}

std::exception_ptr MemoryStore::run(const Work& work)
try {
    State state;
    {
        const std::lock_guard lock(mutex_);
        state = committed_;
    }
    MemoryTransaction transaction(state, chain_);
    work(transaction);
    const std::lock_guard lock(mutex_);
    if (transaction.failed()) throw StoreError("memory store: part of the transaction failed");
    if (failing_) throw StoreError("memory store: a test made commits fail");
    const auto valid = valid_tokens_in(state);
    for (const auto& [key, hash] : valid_tokens_in(committed_)) {
        const auto still = valid.find(key);
        if (still == valid.end() || still->second != hash) state.token_endings.push_back(hash);
    }
    committed_ = std::move(state);
    return nullptr;
} catch (...) {
    return std::current_exception();
}

}  // namespace securelogin::support
