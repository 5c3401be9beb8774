#include "server/auth/enrolment.hpp"

#include <utility>

namespace securelogin::auth {
namespace {

/// Who types this at the name's prompt enrols, with an empty invitation, and logs in to nothing.
constexpr std::string_view kDoor = "enrol ";

constexpr TimeStep kNoneYet = 0;

}  // namespace

std::string_view to_string(EnrolmentRefusal refusal) noexcept
{
    switch (refusal) {
        case EnrolmentRefusal::unknown_invitation:
            return "unknown_invitation";
        case EnrolmentRefusal::expired_invitation:
            return "expired_invitation";
        case EnrolmentRefusal::disabled:
            return "disabled";
        case EnrolmentRefusal::enrolled:
            return "enrolled";
        case EnrolmentRefusal::wrong_code:
            return "wrong_code";
    }
    return "unknown";
}

Enrolments::Enrolments(const Policy& policy, const NameKeyer& names, const Clock& clock, Random& random,
                       std::string issuer)
    : policy_(policy),
      names_(names),
      clock_(clock),
      random_(random),
      issuer_(std::move(issuer)),
      recovery_keyer_(names_),
      door_(names_(kDoor))
{
}

Enrolments::Begun Enrolments::begin(Transaction& transaction, std::string_view typed,
                                    const Guest& guest) const
{
    const auto now = clock_.now();
    const auto stored = transaction.failures(door_, guest.source);
    const auto failures = with_possible_wait(stored, policy_.waits, now);
    if (failures != stored) transaction.save_failures(door_, guest.source, failures, now);
    if (const auto wait = remaining_wait(failures, policy_.waits, now)) return {.wait = wait};

    const auto hash = hash_of_invitation(typed);
    const auto found = hash ? transaction.find_invitation(*hash) : std::nullopt;
    Begun begun{.refusal = examine(transaction, found)};
    if (found) begun.name = found->name;
    if (begun.refusal) {
        charge(transaction, Factor::password, guest);
        record(transaction, begun.refusal, begun.name, guest);
    } else {
        const TotpParameters totp;
        begun.enrolment = Enrolment{
            .invitation = *found, .totp = totp, .totp_secret = generate_totp_secret(totp.algorithm, random_)};
    }
    return begun;
}

/// Why an invitation that was looked up is none, or lets nobody in.
std::optional<EnrolmentRefusal> Enrolments::examine(Transaction& transaction,
                                                    const std::optional<Invitation>& found) const
{
    if (!found || !is_genuine(*found, names_)) return EnrolmentRefusal::unknown_invitation;
    if (found->expires_at <= clock_.now()) return EnrolmentRefusal::expired_invitation;
    const auto account = transaction.find_account(found->name);
    if (account && account->totp) return EnrolmentRefusal::enrolled;
    if (account && account->state != AccountState::active) return EnrolmentRefusal::disabled;
    return std::nullopt;
}

Secret Enrolments::uri(const Enrolment& enrolment) const
{
    return key_uri(issuer_, enrolment.invitation.name.str(), enrolment.totp_secret, enrolment.totp);
}

Enrolments::Finished Enrolments::finish(Transaction& transaction, const Enrolment& enrolment,
                                        std::string_view code, const Guest& guest) const
{
    const auto now = clock_.now();
    const auto& invitation = enrolment.invitation;
    const auto match =
        match_code(enrolment.totp_secret, enrolment.totp, code, now, policy_.totp_window, kNoneYet);
    // Looked at again: it may have been used, withdrawn or replaced since it was shown.
    Finished finished{.refusal = examine(transaction, transaction.find_invitation(invitation.hash))};
    if (!finished.refusal && !match.step) finished.refusal = EnrolmentRefusal::wrong_code;
    if (!finished.refusal && !transaction.spend_invitation(invitation, now)) {
        finished.refusal = EnrolmentRefusal::unknown_invitation;
    }
    if (finished.refusal) {
        charge(transaction, Factor::code, guest);
    } else {
        const auto account = make_or_change(transaction, enrolment, *match.step);
        finished.recovery_codes = generate_recovery_codes(random_);
        transaction.set_recovery_codes(account, recovery_keyer_.hashes(account.id, finished.recovery_codes));
        transaction.save_failures(door_, guest.source, Failures{}, now);
    }
    record(transaction, finished.refusal, invitation.name, guest);
    return finished;
}

/// The account with its new factors; the step that proved them is spent.
Account Enrolments::make_or_change(Transaction& transaction, const Enrolment& enrolment,
                                   TimeStep proved) const
{
    const auto now = clock_.now();
    const auto& name = enrolment.invitation.name;
    if (const auto account = transaction.find_account(name)) {
        transaction.set_password(*account, enrolment.phc, now);
        transaction.set_totp(*account, enrolment.totp_secret, enrolment.totp, now);
        transaction.end_sessions(account->id, {});
        transaction.forget_devices(account->id, std::nullopt);
    } else {
        const NewAccount made{.id = UserId{random_id(random_)},
                              .name = name,
                              .phc = enrolment.phc.clone(),
                              .totp_secret = enrolment.totp_secret.clone(),
                              .totp = enrolment.totp,
                              .created_at = now};
        if (!transaction.add_account(made)) throw StoreError("enrolling: the name is taken: try again");
    }
    auto enrolled = transaction.find_account(name);
    if (!enrolled || !transaction.spend_step(enrolled->id, proved)) {
        throw StoreError("enrolling: the account that was made is not there: nothing has been changed");
    }
    return *std::move(enrolled);
}

/// One more failure to enrol from this source, whatever it was.
void Enrolments::charge(Transaction& transaction, Factor factor, const Guest& guest) const
{
    const auto now = clock_.now();
    const auto failures =
        after_failure(transaction.failures(door_, guest.source), factor, policy_.waits, now);
    transaction.save_failures(door_, guest.source, failures, now);
}

void Enrolments::record(Transaction& transaction, const std::optional<EnrolmentRefusal>& refusal,
                        const std::optional<UserName>& name, const Guest& guest) const
{
    const auto account = name ? transaction.find_account(*name) : std::nullopt;
    transaction.append_audit({.at = clock_.now(),
                              .event = "enrol",
                              .outcome = refusal ? "refused" : "granted",
                              .reason = refusal ? std::string(to_string(*refusal)) : "",
                              .user = account ? std::optional(account->id) : std::nullopt,
                              .name = name && !account ? std::optional(names_(name->str())) : std::nullopt,
                              .source = guest.source.address(),
                              .device = guest.device ? short_form(*guest.device) : ""});
}

}  // namespace securelogin::auth
