// accounts.hpp: what may be done to an account, other than logging in to it.
//
// Whoever asks (the administrator's program, an invitation, a page), the same things end with it and the same
// audit record is written, in the same transaction: `user.add`, `user.disable`, `user.enable`, `user.remove`,
// `user.passwd`, `user.must-change`, `user.reset-totp`, `user.recovery-codes`, `user.forget-device`, with the
// outcome `done`.  What is refused changes nothing and writes nothing.
//
// Expensive work (hashing) and what a person has to see first (the key URI) are done by the caller, before
// the transaction. Immutable after construction; any thread.
#pragma once

#include <span>
#include <string>

#include "common/secret.hpp"
#include "server/auth/account.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/store.hpp"
#include "server/auth/totp.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::auth {

class Accounts {
  public:
    /// `actor` is who is written down as the source: `admin`.  The clock and the random source must outlive
    /// this.
    Accounts(const Clock& clock, Random& random, std::string actor);

    /// A new account with a fresh id and TOTP secret; in no store yet.
    [[nodiscard]] NewAccount prepare(UserName name, Secret phc, const TotpParameters& totp) const;

    // Each is false, and nothing is changed, when there is no such account (for add: when the name is taken,
    // or invited).

    [[nodiscard]] bool add(Transaction& transaction, const NewAccount& account) const;
    /// Nobody logs in to it until it is enabled; its sessions end.
    [[nodiscard]] bool disable(Transaction& transaction, const UserName& name) const;
    [[nodiscard]] bool enable(Transaction& transaction, const UserName& name) const;
    /// With its enrolment, sessions and devices, and its invitation.  The audit keeps the name.
    [[nodiscard]] bool remove(Transaction& transaction, const UserName& name) const;
    /// Until there is a new password, the account is good for setting one only: for a password that somebody
    /// else knows.  With set_password() or add(), in the same transaction.
    [[nodiscard]] bool require_new_password(Transaction& transaction, const UserName& name) const;
    /// `hashes` of recovery codes in the place of all older ones.
    [[nodiscard]] bool set_recovery_codes(Transaction& transaction, const UserName& name,
                                          std::span<const RecoveryCodeHash> hashes) const;
    /// Its sessions end and its devices are forgotten: whoever knew the old one may have made them known.
    [[nodiscard]] bool set_password(Transaction& transaction, const UserName& name, const Secret& phc) const;
    /// The old secret is gone, its failures are forgotten with it, and so are recovery codes; sessions end,
    /// devices are forgotten.  An invitation is withdrawn: this is the enrolment.
    [[nodiscard]] bool reset_totp(Transaction& transaction, const UserName& name, const Secret& secret,
                                  const TotpParameters& parameters) const;
    /// False also when the account has no such device.  Sessions stay.
    [[nodiscard]] bool forget_device(Transaction& transaction, const UserName& name,
                                     const DeviceFingerprint& device) const;
    /// All of them.
    [[nodiscard]] bool forget_devices(Transaction& transaction, const UserName& name) const;

  private:
    void record(Transaction& transaction, std::string event, UserId user, std::string reason = {}) const;

    const Clock& clock_;
    Random& random_;
    const std::string actor_;
};

}  // namespace securelogin::auth
