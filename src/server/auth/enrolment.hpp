// enrolment.hpp: from an invitation, or a name that is free, to an account that can log in.
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
// An OPEN enrolment (begin_open) needs no invitation: it is for servers whose operator lets anybody register.
// It tells whether a name is taken; so that names are not listed fast, each look-up is charged to its source
// before it is made, and given back by the enrolment that comes of it.  What a source has enrolled is limited
// too: kOpenAtOnce at once, then one in each kOpenApart.
//
// What comes of a right invitation costs a hash before anything is proved: so an invitation begins
// kBegunAtOnce enrolments at once, then one in each kBegunApart, from wherever, until it is used up.
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
    no_name,        // what was typed can be nobody's name
    name_taken,     // an account or an invitation has it
    session_ended,  // of the holder who was to have a new key (AsyncEnrolments)
    over,           // it is done, or there were too many wrong codes (AsyncEnrolments)
};
[[nodiscard]] std::string_view to_string(EnrolmentRefusal refusal) noexcept;
/// A sentence for the person; empty where there is nothing that may be told: then it is "failed", as 530 is.
[[nodiscard]] std::string_view sentence_about(EnrolmentRefusal refusal) noexcept;

inline constexpr int kOpenAtOnce = 8;               // finished open enrolments of a source, ...
inline constexpr std::chrono::hours kOpenApart{1};  // ... then one in each of these

inline constexpr int kBegunAtOnce = 16;                // enrolments begun with one invitation, ...
inline constexpr std::chrono::minutes kBegunApart{1};  // ... then one in each of these

/// Who enrols, from where.
struct Guest {
    Source source;
    std::optional<DeviceFingerprint> device = {};  // that the handshake proved
};

/// One that is under way.
struct Enrolment {
    UserName name;
    std::optional<Invitation> invitation;  // none: an open one
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
        /// Where what was typed is, or was, an invitation, or a name that is taken: a log may name it.
        std::optional<UserName> name = {};
    };
    [[nodiscard]] Begun begin(Transaction& transaction, std::string_view typed, const Guest& guest) const;

    /// Without an invitation.  REQUIRES: the operator's settings allow it.
    [[nodiscard]] Begun begin_open(Transaction& transaction, std::string_view typed_name,
                                   const Guest& guest) const;

    /// For the authenticator app.
    [[nodiscard]] Secret uri(const Enrolment& enrolment) const;
    [[nodiscard]] Secret uri(const UserName& name, const NewKey& key) const;

    struct Finished {
        std::optional<EnrolmentRefusal> refusal = EnrolmentRefusal::unknown_invitation;  // none: enrolled
        std::optional<std::chrono::seconds> wait = {};  // an open one too many: nothing was judged
        std::vector<Secret> recovery_codes = {};        // where enrolled; to be told once
    };
    /// A wrong code leaves the invitation, or the name, as it was.  Of two open ones of one name the first
    /// wins.  REQUIRES: enrolment.phc is not empty.
    [[nodiscard]] Finished finish(Transaction& transaction, const Enrolment& enrolment, std::string_view code,
                                  const Guest& guest) const;

    [[nodiscard]] const Policy& policy() const noexcept { return policy_; }

  private:
    /// What failures, or finished enrolments, are counted under, by source, and what comes of them.
    struct Budget {
        NameKey key;
        WaitPolicy waits;
    };
    /// Who is written down as having enrolled, or not.
    struct Subject {
        std::optional<UserName> name;  // that an account or an invitation has
        std::optional<NameKey> typed;  // else
    };
    [[nodiscard]] std::optional<EnrolmentRefusal> examine(Transaction& transaction,
                                                          const std::optional<Invitation>& found) const;
    [[nodiscard]] std::optional<EnrolmentRefusal> examine_open(Transaction& transaction,
                                                               const UserName& name) const;
    [[nodiscard]] std::optional<EnrolmentRefusal> examine(Transaction& transaction,
                                                          const Enrolment& enrolment) const;
    [[nodiscard]] Budget budget_of(const Invitation& invitation) const;
    [[nodiscard]] Enrolment enrolment_of(const UserName& name,
                                         const std::optional<Invitation>& invitation) const;
    [[nodiscard]] Account make_or_change(Transaction& transaction, const Enrolment& enrolment,
                                         TimeStep proved) const;
    void settle(Transaction& transaction, const Enrolment& enrolment, bool enrolled,
                const Guest& guest) const;
    [[nodiscard]] std::optional<std::chrono::seconds> wait_for(Transaction& transaction, const Budget& budget,
                                                               const Source& source) const;
    void charge(Transaction& transaction, const Budget& budget, Factor factor, const Source& source) const;
    void give_back(Transaction& transaction, const Budget& budget, const Source& source) const;
    void record(Transaction& transaction, std::string_view event,
                const std::optional<EnrolmentRefusal>& refusal, const Subject& subject,
                const Guest& guest) const;

    const Policy policy_;
    const NameKeyer names_;
    const Clock& clock_;
    Random& random_;
    const std::string issuer_;
    const RecoveryCodeKeyer recovery_keyer_;
    // No name that can be typed on a line has these keys.
    const Budget failures_;       // to enrol by an invitation
    const Budget open_tries_;     // open ones begun that have not been finished
    const Budget open_finished_;  // open ones
};

}  // namespace securelogin::auth
