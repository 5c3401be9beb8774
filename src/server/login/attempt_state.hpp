// attempt_state.hpp: what an attempt is between its steps; for the asynchronous authenticator's own files
// only.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "common/secret.hpp"
#include "server/login/attempt.hpp"
#include "server/login/authenticator_parts.hpp"

namespace securelogin::login {

/// Lives until the last step that is under way has ended.
struct Attempt::State {
    State(std::shared_ptr<const AsyncAuthenticator::Parts> shared, auth::Claim who)
        : parts(std::move(shared)), claim(std::move(who))
    {
    }

    std::shared_ptr<const AsyncAuthenticator::Parts> parts;
    auth::Claim claim;
    std::optional<auth::HashPool::Place> place;  // its end drops a hash that has not started
    std::optional<Outcome> unjudged;             // set when it was not admitted
    std::optional<auth::Alarm> alarm;            // that its admission raised

    // The hash thread and the conversation meet here.
    std::mutex mutex;
    std::optional<auth::PasswordCheck> check;  // guarded until set
    std::exception_ptr failure;                // guarded until set
    bool displaced = false;                    // guarded until set: somebody with a better claim has the hash
    std::function<void()> when_checked;        // guarded
    std::chrono::steady_clock::time_point queued_at;     // set before the hash thread knows of it
    std::chrono::steady_clock::time_point code_came_at;  // the conversation's
    Secret password;  // kept for the renewal of an outdated hash, until the verdict

    void hash();
    [[nodiscard]] auth::Verdict judge(auth::Transaction& transaction, const Secret& code, Ending ending,
                                      const std::optional<auth::Session>& current) const;
    void give_way();
    void withdraw() noexcept;
    template <typename Set>
    void finish(Set set);
    void after_check(std::function<void()> next);
};

}  // namespace securelogin::login
