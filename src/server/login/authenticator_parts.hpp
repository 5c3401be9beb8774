// authenticator_parts.hpp: what the steps of the asynchronous authenticator share; for its own files only.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "server/login/async_authenticator.hpp"

namespace securelogin::login {

struct AsyncAuthenticator::Parts {
    std::shared_ptr<const auth::Authenticator> authenticator;
    auth::HashPool& pool;
    auth::Store& store;
    Readers& readers;
    auth::PasswordRules rules;
    Metrics* metrics;
};

inline Outcome not_judged(std::chrono::seconds retry_after, std::string reason)
{
    return {.verdict = {}, .retry_after = retry_after, .why_not_judged = std::move(reason)};
}

}  // namespace securelogin::login
