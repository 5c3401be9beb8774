#include "server/auth/enrolment.hpp"

#include <utility>

namespace securelogin::auth {
namespace {

/// Who types this at the name's prompt enrols, with an empty invitation, and logs in to nothing.
constexpr std::string_view kDoor = "enrol ";
/// These have a line break, which no name has (NameKeyer::of_typed).
constexpr std::string_view kOpenDoor = "enrol open\n";
constexpr std::string_view kOpenFinished = "enrolled open\n";
constexpr std::string_view kBegun = "enrol begun\n";  // and the invitation's MAC

constexpr WaitPolicy kOpenWaits{
    .free = kOpenAtOnce - 1, .first_wait = kOpenApart, .longest_wait = kOpenApart};
constexpr WaitPolicy kBegunWaits{
    .free = kBegunAtOnce - 1, .first_wait = kBegunApart, .longest_wait = kBegunApart};

constexpr std::string_view kEvent = "enrol";
constexpr std::string_view kOpenEvent = "enrol.open";

constexpr TimeStep kNoneYet = 0;

/// What an invitation's enrolments are counted under, wherever they are begun: whoever has it is one holder.
Source everywhere() { return Source::from_address("local"); }

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
        case EnrolmentRefusal::no_name:
            return "no_name";
        case EnrolmentRefusal::name_taken:
            return "name_taken";
        case EnrolmentRefusal::session_ended:
            return "session_ended";
        case EnrolmentRefusal::over:
            return "over";
    }
    return "unknown";
}

std::string_view sentence_about(EnrolmentRefusal refusal) noexcept
{
    switch (refusal) {
        case EnrolmentRefusal::wrong_code:
            return "That is not the code that the app shows: try the next one.";
        case EnrolmentRefusal::no_name:
            return "A name has 1 to 64 letters, digits, dots, hyphens and underscores, and begins with a "
                   "letter "
                   "or a digit.";
        case EnrolmentRefusal::name_taken:
            return "That name is taken: choose another.";
        case EnrolmentRefusal::session_ended:
            return "You are not logged in any more.";
        case EnrolmentRefusal::over:
            return "It has ended: begin again.";
        case EnrolmentRefusal::unknown_invitation:
        case EnrolmentRefusal::expired_invitation:
        case EnrolmentRefusal::disabled:
        case EnrolmentRefusal::enrolled:
            break;
    }
    return {};
}

Enrolments::Enrolments(const Policy& policy, const NameKeyer& names, const Clock& clock, Random& random,
                       std::string issuer)
    : policy_(policy),
      names_(names),
      clock_(clock),
      random_(random),
      issuer_(std::move(issuer)),
      recovery_keyer_(names_),
      failures_{.key = names_(kDoor), .waits = policy_.waits},
      open_tries_{.key = names_(kOpenDoor), .waits = policy_.waits},
      open_finished_{.key = names_(kOpenFinished), .waits = kOpenWaits}
{
}

Enrolments::Begun Enrolments::begin(Transaction& transaction, std::string_view typed,
                                    const Guest& guest) const
{
    if (const auto wait = wait_for(transaction, failures_, guest.source)) return {.wait = wait};

    const auto hash = hash_of_invitation(typed);
    const auto found = hash ? transaction.find_invitation(*hash) : std::nullopt;
    Begun begun{.refusal = examine(transaction, found)};
    if (found) begun.name = found->name;
    if (begun.refusal) {
        charge(transaction, failures_, Factor::password, guest.source);
        record(transaction, kEvent, begun.refusal, {.name = begun.name, .typed = {}}, guest);
        return begun;
    }
    const auto begun_before = budget_of(*found);
    if (const auto wait = wait_for(transaction, begun_before, everywhere())) return {.wait = wait};
    charge(transaction, begun_before, Factor::password, everywhere());
    begun.enrolment = enrolment_of(found->name, found);
    return begun;
}

Enrolments::Begun Enrolments::begin_open(Transaction& transaction, std::string_view typed_name,
                                         const Guest& guest) const
{
    // Of an IPv6 /48 there is one: whoever has it has 65,536 of what else counts as a source.
    const auto source = Source::of_network(guest.source);
    auto wait = wait_for(transaction, open_tries_, source);
    if (!wait) wait = wait_for(transaction, open_finished_, source);
    if (wait) return {.wait = wait};

    charge(transaction, open_tries_, Factor::password, source);
    const auto name = UserName::parse(typed_name);
    Begun begun{.refusal = name ? examine_open(transaction, *name) : EnrolmentRefusal::no_name};
    if (begun.refusal == EnrolmentRefusal::name_taken) begun.name = name;
    if (begun.refusal) {
        record(transaction, kOpenEvent, begun.refusal,
               {.name = begun.name, .typed = names_.of_typed(typed_name)}, guest);
    } else {
        begun.enrolment = enrolment_of(*name, std::nullopt);
    }
    return begun;
}

/// No two invitations have the same MAC, which is no secret: what is counted ends with it.
Enrolments::Budget Enrolments::budget_of(const Invitation& invitation) const
{
    std::string whose(kBegun);
    for (const auto octet : invitation.mac) whose += std::to_string(octet) + ' ';
    return {.key = names_(whose), .waits = kBegunWaits};
}

Enrolment Enrolments::enrolment_of(const UserName& name, const std::optional<Invitation>& invitation) const
{
    const TotpParameters totp;
    return {.name = name,
            .invitation = invitation,
            .totp = totp,
            .totp_secret = generate_totp_secret(totp.algorithm, random_)};
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

/// As Accounts::add(): an invitation keeps its name until it expires.
std::optional<EnrolmentRefusal> Enrolments::examine_open(Transaction& transaction, const UserName& name) const
{
    if (transaction.find_account(name)) return EnrolmentRefusal::name_taken;
    const auto invitation = transaction.invitation_of(name);
    if (invitation && invitation->expires_at > clock_.now()) return EnrolmentRefusal::name_taken;
    return std::nullopt;
}

/// Looked at again: the invitation may have been used, withdrawn or replaced since it was shown, the name
/// been taken.
std::optional<EnrolmentRefusal> Enrolments::examine(Transaction& transaction,
                                                    const Enrolment& enrolment) const
{
    if (!enrolment.invitation) return examine_open(transaction, enrolment.name);
    return examine(transaction, transaction.find_invitation(enrolment.invitation->hash));
}

Secret Enrolments::uri(const Enrolment& enrolment) const
{
    return key_uri(issuer_, enrolment.name.str(), enrolment.totp_secret, enrolment.totp);
}

Secret Enrolments::uri(const UserName& name, const NewKey& key) const
{
    return key_uri(issuer_, name.str(), key.secret, key.parameters);
}

Enrolments::Finished Enrolments::finish(Transaction& transaction, const Enrolment& enrolment,
                                        std::string_view code, const Guest& guest) const
{
    const auto& [name, invitation, totp, secret, phc] = enrolment;
    // Many may have been begun before the first was finished.
    if (const auto wait = invitation
                              ? std::nullopt
                              : wait_for(transaction, open_finished_, Source::of_network(guest.source))) {
        return {.wait = wait};
    }
    const auto now = clock_.now();
    const auto match = match_code(secret, totp, code, now, policy_.totp_window, kNoneYet);
    Finished finished{.refusal = examine(transaction, enrolment)};
    if (!finished.refusal && !match.step) finished.refusal = EnrolmentRefusal::wrong_code;
    if (!finished.refusal && invitation && !transaction.spend_invitation(*invitation, now)) {
        finished.refusal = EnrolmentRefusal::unknown_invitation;
    }
    if (!finished.refusal) {
        const auto account = make_or_change(transaction, enrolment, *match.step);
        finished.recovery_codes = generate_recovery_codes(random_);
        transaction.set_recovery_codes(account, recovery_keyer_.hashes(account.id, finished.recovery_codes));
    }
    settle(transaction, enrolment, !finished.refusal, guest);
    record(transaction, invitation ? kEvent : kOpenEvent, finished.refusal, {.name = name, .typed = {}},
           guest);
    return finished;
}

/// The account with its new factors; the step that proved them is spent.
Account Enrolments::make_or_change(Transaction& transaction, const Enrolment& enrolment,
                                   TimeStep proved) const
{
    const auto now = clock_.now();
    const auto& name = enrolment.name;
    // Who has no invitation changes nobody's factors.
    const auto account = enrolment.invitation ? transaction.find_account(name) : std::nullopt;
    if (account) {
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
        transaction.remove_invitation(name);  // expired, if there
    }
    auto enrolled = transaction.find_account(name);
    if (!enrolled || !transaction.spend_step(enrolled->id, proved)) {
        throw StoreError("enrolling: the account that was made is not there: nothing has been changed");
    }
    return *std::move(enrolled);
}

/// What finish() leaves in its source's budgets.
void Enrolments::settle(Transaction& transaction, const Enrolment& enrolment, bool enrolled,
                        const Guest& guest) const
{
    const bool open = !enrolment.invitation;
    const auto source = open ? Source::of_network(guest.source) : guest.source;
    if (!enrolled) return charge(transaction, open ? open_tries_ : failures_, Factor::code, source);
    if (!open) {
        transaction.save_failures(budget_of(*enrolment.invitation).key, everywhere(), Failures{},
                                  clock_.now());
        return transaction.save_failures(failures_.key, source, Failures{}, clock_.now());
    }
    // Its own look-up is given back, and no other: else each account would buy a list of names.
    give_back(transaction, open_tries_, source);
    charge(transaction, open_finished_, Factor::password, source);
}

/// How long `source` is not to be judged yet.
std::optional<std::chrono::seconds> Enrolments::wait_for(Transaction& transaction, const Budget& budget,
                                                         const Source& source) const
{
    const auto now = clock_.now();
    const auto stored = transaction.failures(budget.key, source);
    const auto failures = with_possible_wait(stored, budget.waits, now);
    if (failures != stored) transaction.save_failures(budget.key, source, failures, now);
    return remaining_wait(failures, budget.waits, now);
}

/// One more, whatever it was.
void Enrolments::charge(Transaction& transaction, const Budget& budget, Factor factor,
                        const Source& source) const
{
    const auto now = clock_.now();
    const auto failures = after_failure(transaction.failures(budget.key, source), factor, budget.waits, now);
    transaction.save_failures(budget.key, source, failures, now);
}

void Enrolments::give_back(Transaction& transaction, const Budget& budget, const Source& source) const
{
    const auto failures = transaction.failures(budget.key, source);
    if (failures.password == 0) return;  // forgotten meanwhile
    transaction.save_failures(budget.key, source, without_charge(failures), clock_.now());
}

void Enrolments::record(Transaction& transaction, std::string_view event,
                        const std::optional<EnrolmentRefusal>& refusal, const Subject& subject,
                        const Guest& guest) const
{
    const auto& [name, typed] = subject;
    const auto account = name ? transaction.find_account(*name) : std::nullopt;
    const auto key = name ? std::optional(names_(name->str())) : typed;
    transaction.append_audit({.at = clock_.now(),
                              .event = std::string(event),
                              .outcome = refusal ? "refused" : "granted",
                              .reason = refusal ? std::string(to_string(*refusal)) : "",
                              .user = account ? std::optional(account->id) : std::nullopt,
                              .name = account ? std::nullopt : key,
                              .source = guest.source.address(),
                              .device = guest.device ? short_form(*guest.device) : ""});
}

}  // namespace securelogin::auth
