// enrolment.hpp: from an invitation to an account that can log in.
//
// An enrolment is three steps.  Until the last one nothing of it is in any store: who leaves, or is cut off,
// leaves the invitation as it was.
//   begin    cheap, in a transaction: is this an invitation, and may its source be judged at all?  A wrong
//            one is charged to its source and recorded.
//   (the caller has a password chosen, judged by auth/password_rules.hpp and hashed; shows the key's URI;
//   and asks for a code)
//   finish   cheap, in a transaction: the code proves that the app has the key, and is spent; the invitation
//            is spent; the account is there, or its factors are the new ones; all of it or nothing.
// What either did counts only when its transaction is durable: answer nothing before.
//
// Whoever enrols twice at once, with one invitation, is one who wins: the invitation goes in ONE conditional
// delete, in the transaction of what it is given for.
//
// Immutable after construction; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/secret.hpp"
#include "server/auth/authenticator.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/device.hpp"
#include "server/auth/invitation.hpp"
#include "server/auth/master_key.hpp"
#include "server/auth/recovery_codes.hpp"
#include "server/auth/source.hpp"
#include "server/auth/store.hpp"
#include "server/auth/totp.hpp"

namespace securelogin::auth {

/// Why not: for the operator's log and the audit.  The peer is told 530.
enum class EnrolmentRefusal {
    unknown_invitation,  // none, mistyped, withdrawn, or used already
    expired_invitation,
    disabled,  // the account
    enrolled,  // the account has a key: it takes more than an invitation to replace it
    wrong_code,
};
[[nodiscard]] std::string_view to_string(EnrolmentRefusal refusal) noexcept;

/// Who enrols, from where.
struct Guest {
    Source source;
    std::optional<DeviceFingerprint> device = {};  // that the handshake proved
};

/// One that is under way.
struct Enrolment {
    Invitation invitation;
    TotpParameters totp;
    Secret totp_secret;
    Secret phc = {};  // the caller's to fill in before finish()
};

class Enrolments {
  public:
    /// `issuer` is the one in key URIs.  All but it and the policy must outlive this.
    Enrolments(const Policy& policy, const NameKeyer& names, const Clock& clock, Random& random,
               std::string issuer);

    struct Begun {
        std::optional<Enrolment> enrolment = {};  // the only yes
        std::optional<EnrolmentRefusal> refusal = {};
        std::optional<std::chrono::seconds> wait = {};  // throttled: nothing was judged
        std::optional<UserName> name = {};              // where what was typed is, or was, an invitation
    };
    [[nodiscard]] Begun begin(Transaction& transaction, std::string_view typed, const Guest& guest) const;

    /// For the authenticator app.
    [[nodiscard]] Secret uri(const Enrolment& enrolment) const;

    struct Finished {
        std::optional<EnrolmentRefusal> refusal = EnrolmentRefusal::unknown_invitation;  // none: enrolled
        std::vector<Secret> recovery_codes = {};  // where enrolled; to be told once
    };
    /// A wrong code leaves the invitation as it was.  REQUIRES: enrolment.phc is not empty.
    [[nodiscard]] Finished finish(Transaction& transaction, const Enrolment& enrolment, std::string_view code,
                                  const Guest& guest) const;

    [[nodiscard]] const Policy& policy() const noexcept { return policy_; }

  private:
    [[nodiscard]] std::optional<EnrolmentRefusal> examine(Transaction& transaction,
                                                          const std::optional<Invitation>& found) const;
    [[nodiscard]] Account make_or_change(Transaction& transaction, const Enrolment& enrolment,
                                         TimeStep proved) const;
    void charge(Transaction& transaction, Factor factor, const Guest& guest) const;
    void record(Transaction& transaction, const std::optional<EnrolmentRefusal>& refusal,
                const std::optional<UserName>& name, const Guest& guest) const;

    const Policy policy_;
    const NameKeyer names_;
    const Clock& clock_;
    Random& random_;
    const std::string issuer_;
    const RecoveryCodeKeyer recovery_keyer_;
    const NameKey door_;  // what failures to enrol are counted under: no name that can be typed has this key
};

}  // namespace securelogin::auth
