// async_enrolment.hpp: the domain's enrolments for coroutines, as async_authenticator.hpp is its
// authenticator: begin and finish on the store's writer, answered after the commit; the password's judgement
// and hash on the hash pool; the caller goes on on its own executor.
//
// The functions that return an awaitable are no coroutines themselves.  Any thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/secret.hpp"
#include "server/auth/enrolment.hpp"
#include "server/auth/hash_pool.hpp"
#include "server/auth/password_rules.hpp"
#include "server/auth/store.hpp"
#include "server/login/readers.hpp"

namespace securelogin::login {

/// What became of a step of an enrolment.
struct EnrolmentStep {
    enum class Result { done, refused, not_judged } result = Result::not_judged;
    /// Refused: why, in the operator's words, but for a password, where it is a sentence for its owner.  Not
    /// judged: why, for the operator.
    std::string reason = {};
    std::chrono::seconds retry_after{0};  // not judged; at least 1
};

class AsyncEnrolments;

/// One enrolment, in memory until it is done.  What is under way when it is destroyed lets go of its memory
/// when it has ended.
class EnrolmentUnderWay {
  public:
    /// `enrolments` must outlive it.
    EnrolmentUnderWay(const AsyncEnrolments& enrolments, auth::Guest guest);

    /// First, once.
    [[nodiscard]] boost::asio::awaitable<EnrolmentStep> begin(Secret invitation);
    /// Judges and hashes a new password, with a place in the hash queue; may be asked again.  REQUIRES:
    /// begun.
    [[nodiscard]] boost::asio::awaitable<EnrolmentStep> choose_password(Secret typed);
    /// What the authenticator app is to be told.  REQUIRES: begun.
    [[nodiscard]] Secret uri() const;
    /// Done: the account is there, on disk.  May be asked again after a wrong code.  REQUIRES: a password.
    [[nodiscard]] boost::asio::awaitable<EnrolmentStep> prove(Secret code);

    [[nodiscard]] const auth::Guest& guest() const noexcept;
    /// Whose the invitation is, or was; nothing where none is known.
    [[nodiscard]] const std::optional<auth::UserName>& name() const noexcept;
    /// Of what was done, to be told once.
    [[nodiscard]] const std::vector<Secret>& recovery_codes() const noexcept;

  private:
    struct State;
    std::shared_ptr<State> state_;
};

class AsyncEnrolments {
  public:
    /// Pool, store and readers must outlive this object and every enrolment.
    AsyncEnrolments(std::shared_ptr<const auth::Enrolments> enrolments,
                    std::shared_ptr<const auth::Authenticator> authenticator, auth::HashPool& pool,
                    auth::Store& store, Readers& readers, auth::PasswordRules rules);

    struct Parts;  // what the steps need, shared with those under way

  private:
    friend class EnrolmentUnderWay;
    std::shared_ptr<const Parts> parts_;
};

}  // namespace securelogin::login
