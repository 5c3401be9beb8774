// invitation.hpp: the right to enrol once, under one name, until it expires.
//
// An invitation is 128 random bits that nobody but the person invited is to see.  The store keeps their
// SHA-256, and beside it a MAC over name, hash and times under a key that is not in the database: who can
// only write the database invites nobody (docs/decisions/0028-invitation-and-enrolment.md).
//
// The person who is invited is in no table of users: there is an account when there is one that can log in.
// An account may have an invitation as well: it has no second factor, and is to get one.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/secret.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/master_key.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::auth {

class Transaction;

inline constexpr std::chrono::seconds kInvitationLasts = std::chrono::hours(24);  // unless told otherwise
inline constexpr std::chrono::seconds kLongestInvitation = std::chrono::days(30);

using InvitationHash = std::array<std::uint8_t, 32>;  // SHA-256 of the 128 bits

/// An invitation as it is kept.
struct Invitation {
    UserName name;
    InvitationHash hash;
    Time created_at;
    Time expires_at;  // open end
    NameKey mac;      // of all the others: is_genuine()
};

/// 128 random bits as people copy them: 26 characters in groups of four, digits and capitals without those
/// that look alike (I, L, O, U).
[[nodiscard]] Secret generate_invitation(Random& random);

/// How the store knows what was typed: case, hyphens and blanks do not count, I and L are 1, O is 0.  Nothing
/// when it can be no invitation.
[[nodiscard]] std::optional<InvitationHash> hash_of_invitation(std::string_view typed);

/// Whether it was written by one of us, and nothing of it changed since.
[[nodiscard]] bool is_genuine(const Invitation& invitation, const NameKeyer& names);

/// What may be done about invitations, other than to use one (enrolment.hpp).  Each writes its audit record
/// in the same transaction: `user.invite`, `user.reset-totp`, `user.uninvite`, with the outcome `done`.
/// Immutable after construction; any thread.
class Invitations {
  public:
    /// `actor` is who is written down as the source: `admin`.  All but it must outlive this.
    Invitations(const NameKeyer& names, const Clock& clock, Random& random, std::string actor);

    struct Prepared {
        Secret text;  // for the person, and nobody else
        Invitation invitation;
    };
    /// In no store yet.  REQUIRES: 0 < lasts <= kLongestInvitation.
    [[nodiscard]] Prepared prepare(const UserName& name, std::chrono::seconds lasts) const;

    /// In the place of an earlier one of the name.  False, and nothing is changed, when the name's account is
    /// enrolled.
    [[nodiscard]] bool invite(Transaction& transaction, const Invitation& invitation) const;

    /// The account's key is gone, with its failures; sessions end, devices are forgotten; its holder is
    /// invited.  False, and nothing is changed, when there is no such account.
    [[nodiscard]] bool reinvite(Transaction& transaction, const Invitation& invitation) const;

    /// False, and nothing is changed, when there is none.
    [[nodiscard]] bool withdraw(Transaction& transaction, const UserName& name) const;

  private:
    const NameKeyer& names_;
    const Clock& clock_;
    Random& random_;
    const std::string actor_;
};

}  // namespace securelogin::auth
