#include "server/auth/authenticator.hpp"

#include <array>
#include <cstdint>
#include <utility>

#include "server/auth/password_policy.hpp"
#include "server/auth/totp.hpp"

namespace securelogin::auth {
namespace {

// How stale a session's last_used_at may be: a command a second is not a commit a second.
constexpr auto kTouchInterval = std::chrono::minutes(1);

constexpr int kSessionIdTries = 16;

bool is_code_failure(Refusal refusal) noexcept
{
    return refusal == Refusal::wrong_code || refusal == Refusal::replayed_code ||
           refusal == Refusal::code_locked;
}

/// What a refusal leaves behind.  `charged` holds the password's charge, unless a success of the same name
/// and source has cleared it meanwhile.
Failures after_refusal(Failures charged, Refusal refusal, const WaitPolicy& policy, Time now)
{
    if (!is_code_failure(refusal)) {
        return charged.password > 0 ? wait_from(charged, policy, now)
                                    : after_failure(charged, Factor::password, policy, now);
    }
    if (charged.password > 0) charged = without_charge(charged);
    return after_failure(charged, Factor::code, policy, now);
}

std::string hexadecimal(std::uint32_t value)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (unsigned shift = 32; shift > 0; shift -= 4) text += digits[(value >> (shift - 4)) & 0xFU];
    return text;
}

}  // namespace

std::string_view to_string(Refusal refusal) noexcept
{
    switch (refusal) {
        case Refusal::unknown_user:
            return "unknown_user";
        case Refusal::disabled:
            return "disabled";
        case Refusal::wrong_password:
            return "wrong_password";
        case Refusal::wrong_code:
            return "wrong_code";
        case Refusal::replayed_code:
            return "replayed_code";
        case Refusal::code_locked:
            return "code_locked";
    }
    return "unknown";
}

Authenticator::Authenticator(const Policy& policy, const MasterKey& master, const Clock& clock,
                             Random& random)
    : policy_(policy),
      clock_(clock),
      random_(random),
      name_key_(master),
      made_up_hash_(made_up_hash(policy.hash, random)),
      made_up_totp_secret_(generate_totp_secret(TotpAlgorithm::sha1, random))
{
}

Claim Authenticator::claim(std::string_view typed_name, Source source) const
{
    return {.name = UserName::parse(typed_name),
            .name_key = name_key_(fold_case(typed_name)),
            .source = std::move(source)};
}

Admission Authenticator::admit(Transaction& transaction, const Claim& claim) const
{
    const auto now = clock_.now();
    const auto stored = transaction.failures(claim.name_key, claim.source);
    const auto failures = with_possible_wait(stored, policy_.waits, now);
    if (failures != stored) transaction.save_failures(claim.name_key, claim.source, failures, now);
    if (const auto wait = remaining_wait(failures, policy_.waits, now)) {
        const auto account = claim.name ? transaction.find_account(*claim.name) : std::nullopt;
        return {.wait = wait, .known_user = account ? claim.name : std::nullopt};
    }
    const auto charged = after_failure(failures, Factor::password, policy_.waits, now);
    transaction.save_failures(claim.name_key, claim.source, charged, now);
    return {};
}

PasswordCheck Authenticator::check_password(Reader& reader, const Claim& claim, const Secret& typed) const
{
    const auto stored = claim.name ? reader.find_password(*claim.name) : std::nullopt;
    const auto prepared = prepare_password(typed.view());
    // One hash, whatever is missing: the account, or a password that could be anybody's.
    const Secret nothing;
    const auto& password = prepared ? *prepared : nothing;
    const bool matches = verify_password(password, stored ? stored->phc.view() : made_up_hash_.view());
    if (!stored || !prepared || !matches) return {};
    return {.matches = true,
            .epoch = stored->epoch,
            .outdated = parse_phc(stored->phc.view()) != std::optional(policy_.hash)};
}

Verdict Authenticator::decide(Transaction& transaction, const Claim& claim, const PasswordCheck& check,
                              std::string_view code) const
{
    auto verdict = judge(transaction, claim, check, code, "login");
    if (!verdict.granted) return verdict;
    const auto& account = verdict.granted->account;
    verdict.granted->failures_since = transaction.refusals(claim.name_key);
    transaction.forget_refusals(claim.name_key);
    verdict.granted->session = new_session(transaction, account, claim.source);
    transaction.record_login(account, {.at = clock_.now(), .source = claim.source.address()});
    return verdict;
}

Verdict Authenticator::confirm(Transaction& transaction, const Claim& claim, const PasswordCheck& check,
                               std::string_view code, const Session& current) const
{
    auto verdict = judge(transaction, claim, check, code, "confirm");
    if (verdict.granted) verdict.granted->session = current;
    return verdict;
}

/// The one place that says yes.
Verdict Authenticator::judge(Transaction& transaction, const Claim& claim, const PasswordCheck& check,
                             std::string_view code, std::string_view event) const
{
    const auto now = clock_.now();
    const auto account = claim.name ? transaction.find_account(*claim.name) : std::nullopt;
    Verdict verdict{
        .granted = {}, .refusal = examine(transaction, account, check, code, now), .known_user = {}};
    if (account) verdict.known_user = account->name;

    auto failures = Failures{};
    if (verdict.refusal) {
        failures = after_refusal(transaction.failures(claim.name_key, claim.source), *verdict.refusal,
                                 policy_.waits, now);
        transaction.count_refusal(claim.name_key, now);
        if (*verdict.refusal == Refusal::wrong_code) transaction.count_code_failure(account->id);
    } else {
        verdict.granted = Granted{.account = *account, .session = {}};
    }
    transaction.save_failures(claim.name_key, claim.source, failures, now);
    transaction.append_audit({.at = now,
                              .event = std::string(event),
                              .outcome = verdict.granted ? "granted" : "refused",
                              .reason = verdict.refusal ? std::string(to_string(*verdict.refusal)) : "",
                              .user = account ? std::optional(account->id) : std::nullopt,
                              .name = account ? std::nullopt : std::optional(claim.name_key),
                              .source = claim.source.address()});
    return verdict;
}

/// Why not; nothing only when name, password and code were all right, and the code is now spent.
std::optional<Refusal> Authenticator::examine(Transaction& transaction, const std::optional<Account>& account,
                                              const PasswordCheck& check, std::string_view code,
                                              Time now) const
{
    // The code is compared for everybody: an unknown user costs the same.
    const auto enrolment = account && account->totp ? *account->totp : TotpEnrolment{};
    const auto secret =
        account && account->totp ? transaction.totp_secret(*account) : made_up_totp_secret_.clone();
    const auto match =
        match_code(secret, enrolment.parameters, code, now, policy_.totp_window, enrolment.last_step);

    if (!account || !account->totp) return Refusal::unknown_user;
    // The hash was computed earlier, outside this transaction: it counts only for the password that is in
    // force now.
    if (!check.matches || check.epoch != account->password_epoch) return Refusal::wrong_password;
    if (account->state != AccountState::active) return Refusal::disabled;
    if (enrolment.failures >= lifetime_limit(enrolment.parameters.digits, policy_.totp_window)) {
        return Refusal::code_locked;
    }
    if (!match.matches) return Refusal::wrong_code;
    if (!match.step || !transaction.spend_step(account->id, *match.step)) return Refusal::replayed_code;
    return std::nullopt;
}

Session Authenticator::new_session(Transaction& transaction, const Account& account,
                                   const Source& source) const
{
    const auto now = clock_.now();
    for (int tries = 0; tries < kSessionIdTries; ++tries) {
        Session session{.user = account.id,
                        .id = hexadecimal(static_cast<std::uint32_t>(random_id(random_))),
                        .opened_at = now,
                        .expires_at = now + policy_.sessions.absolute,
                        .last_used_at = now,
                        .source = source.address()};
        if (transaction.open_session(session)) return session;
    }
    throw StoreError("opening a session: no free session id found: end some of the user's sessions");
}

void Authenticator::renew_hash(Transaction& transaction, const Account& account, std::int64_t epoch,
                               const Secret& phc) const
{
    if (!transaction.renew_password_hash(account, epoch, phc)) return;
    transaction.append_audit(
        {.at = clock_.now(), .event = "password.renew", .outcome = "done", .user = account.id});
}

bool Authenticator::still_live(Transaction& transaction, const Session& session) const
{
    const auto now = clock_.now();
    const auto found = transaction.find_session(session.user, session.id);
    if (!found || !is_live(*found, policy_.sessions, now)) return false;
    if (now - found->last_used_at >= kTouchInterval) transaction.touch_session(*found, now);
    return true;
}

void Authenticator::log_out(Transaction& transaction, const Session& session) const
{
    transaction.end_session(session.user, session.id);
    transaction.append_audit({.at = clock_.now(),
                              .event = "logout",
                              .outcome = "done",
                              .user = session.user,
                              .source = session.source});
}

bool Authenticator::change_password(Transaction& transaction, const UserName& name, const Session& session,
                                    const Secret& phc) const
{
    const auto now = clock_.now();
    const auto account = transaction.find_account(name);
    const bool holder = account && account->id == session.user && account->state == AccountState::active;
    if (!holder || !still_live(transaction, session)) return false;
    transaction.set_password(*account, phc, now);
    transaction.end_sessions(account->id, session.id);
    transaction.append_audit({.at = now,
                              .event = "password.change",
                              .outcome = "done",
                              .user = account->id,
                              .source = session.source});
    return true;
}

}  // namespace securelogin::auth
