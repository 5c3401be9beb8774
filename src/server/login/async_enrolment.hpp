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
#include <string_view>
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
    /// Refused, but for a password: the same, to be compared with; auth::sentence_about() it for the person.
    std::optional<auth::EnrolmentRefusal> refusal = {};
};

class AsyncEnrolments;

/// After so many wrong codes an enrolment is over, as it is when it is done.
inline constexpr int kMostWrongCodes = 5;

/// One enrolment, in memory until it is done: by an invitation, an open one, or a new key for a holder. What
/// is under way when it is destroyed lets go of its memory when it has ended.
class EnrolmentUnderWay {
  public:
    /// `enrolments` must outlive it.
    EnrolmentUnderWay(const AsyncEnrolments& enrolments, auth::Guest guest);

    // One of these first, once.

    [[nodiscard]] boost::asio::awaitable<EnrolmentStep> begin(Secret invitation);
    /// auth::Enrolments::begin_open().  REQUIRES: the operator's settings allow it.
    [[nodiscard]] boost::asio::awaitable<EnrolmentStep> begin_open(std::string_view typed_name);
    /// auth::Authenticator::begin_key(): then uri() and prove(), without a password.  Of `session` `user`,
    /// `id` and `source` are REQUIRED; and that Attempt::confirm() has just granted it.
    [[nodiscard]] boost::asio::awaitable<EnrolmentStep> begin_replacement(const auth::UserName& name,
                                                                          const auth::Session& session);

    /// Judges and hashes a new password, with a place in the hash queue; may be asked again.  REQUIRES:
    /// begun, and no replacement.
    [[nodiscard]] boost::asio::awaitable<EnrolmentStep> choose_password(Secret typed);
    /// What the authenticator app is to be told.  REQUIRES: begun, and not done.
    [[nodiscard]] Secret uri() const;
    /// Done: the account is there, or has its new key, on disk.  May be asked again after a wrong code, until
    /// there were kMostWrongCodes.  REQUIRES: a password, but for a replacement.
    [[nodiscard]] boost::asio::awaitable<EnrolmentStep> prove(Secret code);

    [[nodiscard]] const auth::Guest& guest() const noexcept;
    /// Whose it is: nothing where that is not known.  Of an open one, what was typed, before it is done: not
    /// for the log.
    [[nodiscard]] const std::optional<auth::UserName>& name() const noexcept;
    /// The same, where a log may name it: an account or an invitation has the name.
    [[nodiscard]] const std::optional<auth::UserName>& known_name() const noexcept;
    /// As audit and log name it: `enrol`, `enrol.open`, `totp.replace`.
    [[nodiscard]] std::string_view event() const noexcept;
    /// Whether it is begun, by begin_open().
    [[nodiscard]] bool is_open() const noexcept;
    /// Of what was done, to be told once; a replacement leaves those that there are.
    [[nodiscard]] const std::vector<Secret>& recovery_codes() const noexcept;
    /// Of a replacement that was done: the session's token, in the place of the one before.  Else nullptr.
    [[nodiscard]] std::shared_ptr<const Secret> token() const noexcept;

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
