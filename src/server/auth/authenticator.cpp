#include "server/auth/authenticator.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "server/auth/attempt_record.hpp"
#include "server/auth/charge.hpp"
#include "server/auth/password_policy.hpp"
#include "server/auth/totp.hpp"
#include "server/auth/wrapped_hash.hpp"

namespace securelogin::auth {
namespace {

WholeAgain read_ceiling(Transaction& transaction, const Claim& claim, const CeilingPolicy& policy, Time now)
{
    const auto stored = transaction.ceiling(claim.name_key);
    const auto ceiling = with_possible_moment(stored, policy, now);
    if (ceiling != stored) transaction.save_ceiling(claim.name_key, ceiling);
    return ceiling;
}

}  // namespace

Authenticator::Authenticator(const Policy& policy, const NameKeyer& names, const Clock& clock, Random& random)
    : policy_(policy),
      clock_(clock),
      random_(random),
      name_key_(names),
      recovery_keyer_(names),
      nobodys_recovery_code_(recovery_keyer_(UserId{}, "")),
      made_up_hash_(made_up_hash(policy.hash, random)),
      made_up_totp_secret_(generate_totp_secret(TotpAlgorithm::sha1, random))
{
}

Claim Authenticator::claim(std::string_view typed_name, Source source,
                           const std::optional<DeviceFingerprint>& device) const
{
    return {.name = UserName::parse(typed_name),
            .name_key = name_key_.of_typed(typed_name),
            .source = std::move(source),
            .device = device};
}

/// How well the place is known that the claim comes from.  The same look-ups for a name that is nobody's.
Standing Authenticator::standing(Transaction& transaction, const Claim& claim) const
{
    if (!claim.name) return Standing::stranger;
    if (claim.device && transaction.find_device(*claim.name, *claim.device)) return Standing::known_device;
    const auto since = clock_.now() - policy_.source_known_for;
    return transaction.knows_source(*claim.name, claim.source, since) ? Standing::known_source
                                                                      : Standing::stranger;
}

Admission Authenticator::admit(Transaction& transaction, Claim& claim, const HasPlace& has_place) const
{
    const auto now = clock_.now();
    claim.standing = standing(transaction, claim);
    const auto stored = transaction.failures(claim.name_key, budget_of(claim));
    const auto failures = with_possible_wait(stored, policy_.waits, now);
    if (failures != stored) transaction.save_failures(claim.name_key, budget_of(claim), failures, now);

    const bool stranger = claim.standing == Standing::stranger;
    const auto ceiling = stranger ? read_ceiling(transaction, claim, policy_.ceiling, now) : std::nullopt;
    auto wait = remaining_wait(failures, policy_.waits, now);
    if (stranger) wait = std::max(wait, time_to_refill(ceiling, policy_.ceiling, now));
    if (wait) {
        const auto account = claim.name ? transaction.find_account(*claim.name) : std::nullopt;
        return {.wait = wait, .known_user = account ? claim.name : std::nullopt};
    }
    if (!has_place({.standing = claim.standing, .source = budget_of(claim).network()}))
        return {.overloaded = true};

    const auto charged = after_failure(failures, Factor::password, policy_.waits, now);
    transaction.save_failures(claim.name_key, budget_of(claim), charged, now);
    if (!stranger) return {};
    const auto lower = with_charge(ceiling, policy_.ceiling, now);
    transaction.save_ceiling(claim.name_key, lower);
    if (!time_to_refill(lower, policy_.ceiling, now)) return {};
    const auto account = claim.name ? transaction.find_account(*claim.name) : std::nullopt;
    const auto attempt =
        record_of_attempt(claim, account, {.at = now, .event = "login", .outcome = "admitted"});
    transaction.append_audit(record_of(Alarm::ceiling_reached, attempt));
    return {.alarm = Alarm::ceiling_reached};
}

void Authenticator::withdraw(Transaction& transaction, const Claim& claim) const
{
    const auto now = clock_.now();
    const auto failures = transaction.failures(claim.name_key, budget_of(claim));
    if (failures.password > 0) {
        transaction.save_failures(claim.name_key, budget_of(claim), without_charge(failures), now);
    }
    give_back_ceiling(transaction, claim, policy_.ceiling, now);
}

PasswordCheck Authenticator::check_password(Reader& reader, const Claim& claim, const Secret& typed) const
{
    const auto stored = claim.name ? reader.find_password(*claim.name) : std::nullopt;
    const auto prepared = prepare_password(typed.view());
    // One hash, whatever is missing: the account, or a password that could be anybody's.
    const Secret nothing;
    const auto& password = prepared ? *prepared : nothing;
    const bool matches = matches_stored_hash(password, stored ? stored->phc.view() : made_up_hash_.view());
    if (!stored || !prepared || !matches) return {};
    return {.matches = true,
            .user = stored->user,
            .epoch = stored->epoch,
            .outdated = parse_phc(stored->phc.view()) != std::optional(policy_.hash)};
}

}  // namespace securelogin::auth
