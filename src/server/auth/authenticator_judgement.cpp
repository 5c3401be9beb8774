// The judgement of an attempt: authenticator.hpp.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/auth/attempt_record.hpp"
#include "server/auth/authenticator.hpp"
#include "server/auth/charge.hpp"
#include "server/auth/totp.hpp"

namespace securelogin::auth {
namespace {

constexpr auto kSourceTouchInterval = std::chrono::days(1);

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

/// `last_one_borne`: the key bears no more wrong codes after this.
std::optional<Alarm> alarm_about(Refusal refusal, bool last_one_borne) noexcept
{
    if (refusal == Refusal::replayed_code) return Alarm::replayed_code;
    if (refusal == Refusal::code_locked) return Alarm::code_locked;
    if (refusal != Refusal::wrong_code) return std::nullopt;
    return last_one_borne ? Alarm::code_locked : Alarm::wrong_code;
}

/// What the holder is told while there is time: at the limit it is too late.
std::optional<CodeBudget> worn_key(const Account& account, int window)
{
    if (!account.totp) return std::nullopt;
    const CodeBudget budget{.failures = account.totp->failures,
                            .limit = lifetime_limit(account.totp->parameters.digits, window)};
    return budget.failures >= budget.limit - budget.failures ? std::optional(budget) : std::nullopt;
}

/// For the audit.
std::string reason_of(const Verdict& verdict)
{
    if (verdict.refusal) return std::string(to_string(*verdict.refusal));
    return verdict.granted && verdict.granted->by_recovery_code ? "recovery_code" : "";
}

/// Who has never had any is not told at each login that there are none.
std::optional<int> codes_to_tell(Transaction& transaction, const Granted& granted)
{
    if (granted.account.recovery_codes_made == 0) return std::nullopt;
    const int left = transaction.count_recovery_codes(granted.account.id);
    return granted.by_recovery_code || left <= kFewRecoveryCodes ? std::optional(left) : std::nullopt;
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
        case Refusal::abandoned:
            return "abandoned";
    }
    return "unknown";
}

Verdict Authenticator::decide(Transaction& transaction, const Claim& claim, const PasswordCheck& check,
                              std::string_view code) const
{
    auto verdict = judge(transaction, claim, check, code, "login");
    if (!verdict.granted) return verdict;
    const auto& account = verdict.granted->account;
    verdict.granted->failures_since = transaction.refusals(claim.name_key);
    verdict.granted->worn_key = worn_key(account, policy_.totp_window);
    verdict.granted->recovery_codes = codes_to_tell(transaction, *verdict.granted);
    transaction.forget_refusals(claim.name_key);
    verdict.granted->session = new_session(transaction, account, claim.source);
    transaction.record_login(account, {.at = clock_.now(), .source = claim.source.address()});
    if (claim.device) {
        transaction.remember_device(account.id, *claim.device, clock_.now(), claim.source.address());
    }
    return verdict;
}

Verdict Authenticator::decide_with_token(Transaction& transaction, const Claim& claim,
                                         const PasswordCheck& check, std::string_view code) const
{
    auto verdict = decide(transaction, claim, check, code);
    if (!verdict.granted) return verdict;
    auto& session = verdict.granted->session;
    auto token = issue_token(transaction, session);
    if (!token) throw StoreError("opening a session: it is not there: nothing has been changed");
    session.has_token = true;
    verdict.granted->token = std::make_shared<const Secret>(*std::move(token));
    return verdict;
}

Verdict Authenticator::confirm(Transaction& transaction, const Claim& claim, const PasswordCheck& check,
                               std::string_view code, const Session& current) const
{
    auto verdict = judge(transaction, claim, check, code, "confirm");
    if (verdict.granted) verdict.granted->session = current;
    return verdict;
}

Verdict Authenticator::abandon(Transaction& transaction, const Claim& claim, std::string_view event) const
{
    const auto now = clock_.now();
    const auto account = claim.name ? transaction.find_account(*claim.name) : std::nullopt;
    transaction.count_refusal(claim.name_key, now);
    const auto refusal = Refusal::abandoned;
    transaction.append_audit(record_of_attempt(claim, account,
                                               {.at = now,
                                                .event = std::string(event),
                                                .outcome = "refused",
                                                .reason = std::string(to_string(refusal))}));
    return {.refusal = refusal, .known_user = account ? std::optional(account->name) : std::nullopt};
}

/// The one place that says yes.
Verdict Authenticator::judge(Transaction& transaction, const Claim& claim, const PasswordCheck& check,
                             std::string_view code, std::string_view event) const
{
    const auto now = clock_.now();
    const auto account = claim.name ? transaction.find_account(*claim.name) : std::nullopt;
    CodeUse use;
    Verdict verdict{
        .granted = {}, .refusal = examine(transaction, account, check, code, now, use), .known_user = {}};
    if (account) verdict.known_user = account->name;

    settle(transaction, claim, verdict.refusal, now);
    if (verdict.refusal) {
        transaction.count_refusal(claim.name_key, now);
        if (*verdict.refusal == Refusal::wrong_code) transaction.count_code_failure(account->id);
    } else {
        remember(transaction, claim, *account, now);
        verdict.granted = Granted{
            .account = *account, .session = {}, .code_offset = use.offset, .by_recovery_code = use.recovery};
        if (use.recovery) verdict.alarm = Alarm::recovery_code;
    }
    const auto record = record_of_attempt(claim, account,
                                          {.at = now,
                                           .event = std::string(event),
                                           .outcome = verdict.granted ? "granted" : "refused",
                                           .reason = reason_of(verdict)});
    transaction.append_audit(record);
    if (verdict.refusal) verdict.alarm = alarm_about(*verdict.refusal, account && bears_one_more(*account));
    if (verdict.alarm) transaction.append_audit(record_of(*verdict.alarm, record));
    return verdict;
}

/// Whether one more wrong code is the last that the account's key bears.
bool Authenticator::bears_one_more(const Account& account) const
{
    return account.totp &&
           account.totp->failures + 1 == lifetime_limit(account.totp->parameters.digits, policy_.totp_window);
}

/// The charge becomes what the attempt proved to be.
void Authenticator::settle(Transaction& transaction, const Claim& claim,
                           const std::optional<Refusal>& refusal, Time now) const
{
    const auto failures = refusal ? after_refusal(transaction.failures(claim.name_key, budget_of(claim)),
                                                  *refusal, policy_.waits, now)
                                  : Failures{};
    transaction.save_failures(claim.name_key, budget_of(claim), failures, now);
    const bool password_failed = refusal && !is_code_failure(*refusal);
    if (!password_failed) give_back_ceiling(transaction, claim, policy_.ceiling, now);
}

/// Strangers cannot lock a user out who comes from where the user has logged in.
void Authenticator::remember(Transaction& transaction, const Claim& claim, const Account& account,
                             Time now) const
{
    // To the day: not one row more in each login's commit.
    if (transaction.knows_source(account.name, claim.source, now - kSourceTouchInterval)) return;
    transaction.remember_source(account, claim.source, now);
}

/// Why not; nothing only when name, password and code were all right, and the code is now spent.
std::optional<Refusal> Authenticator::examine(Transaction& transaction, const std::optional<Account>& account,
                                              const PasswordCheck& check, std::string_view code, Time now,
                                              CodeUse& use) const
{
    // The code is compared for everybody, as a recovery code and as one of the app's, whichever it looks
    // like: an unknown user costs the same.
    const auto typed = parse_recovery_code(code);
    const auto hash = recovery_keyer_(account ? account->id : UserId{}, typed ? typed->view() : "");
    const auto enrolment = account && account->totp ? *account->totp : TotpEnrolment{};
    const auto secret =
        account && account->totp ? transaction.totp_secret(*account) : made_up_totp_secret_.clone();
    const auto match =
        match_code(secret, enrolment.parameters, code, now, policy_.totp_window, enrolment.last_step);

    if (!account || !account->totp) return Refusal::unknown_user;
    // The hash was computed earlier, outside this transaction: it counts only for the password that is in
    // force now.
    if (!check.matches || check.user != account->id || check.epoch != account->password_epoch)
        return Refusal::wrong_password;
    if (account->state != AccountState::active) return Refusal::disabled;
    if (enrolment.failures >= lifetime_limit(enrolment.parameters.digits, policy_.totp_window)) {
        return Refusal::code_locked;
    }
    if (!match.matches) {
        use.recovery =
            spend_recovery_code(transaction, account->id, typed ? std::optional(hash) : std::nullopt);
        return use.recovery ? std::nullopt : std::optional(Refusal::wrong_code);
    }
    if (!match.step || !transaction.spend_step(account->id, *match.step)) return Refusal::replayed_code;
    use.offset = match.offset;
    return std::nullopt;
}

/// The same statement whether what was typed has the form of a recovery code or not.
bool Authenticator::spend_recovery_code(Transaction& transaction, UserId user,
                                        const std::optional<RecoveryCodeHash>& hash) const
{
    const bool spent = transaction.spend_recovery_code(user, hash.value_or(nobodys_recovery_code_));
    return spent && hash.has_value();
}

Session Authenticator::new_session(Transaction& transaction, const Account& account,
                                   const Source& source) const
{
    const auto now = clock_.now();
    for (int tries = 0; tries < kSessionIdTries; ++tries) {
        Session session{.user = account.id,
                        .id = session_id(static_cast<std::uint32_t>(random_id(random_))),
                        .opened_at = now,
                        .expires_at = now + policy_.sessions.absolute,
                        .last_used_at = now,
                        .source = source.address()};
        if (transaction.open_session(session)) return session;
    }
    throw StoreError("opening a session: no free session id found: end some of the user's sessions");
}

}  // namespace securelogin::auth
