// enrolling.hpp: what the pages of an enrolment and of a new key have in common.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "server/login/async_enrolment.hpp"
#include "server/web/message.hpp"
#include "server/web/pages.hpp"
#include "server/web/under_way.hpp"
#include "server/web/visit.hpp"

namespace securelogin::web {

/// A key that is to be proved: `id` is the enrolment's among those under way.
[[nodiscard]] ProofView proof_view(std::string csrf, std::string id,
                                   const login::EnrolmentUnderWay& enrolment, bool replaces,
                                   std::optional<Notice> notice);

[[nodiscard]] RecoveryCodesView codes_view(std::string user, std::span<const Secret> codes, bool enrolled);

/// After a code that did not prove the key: the page once more, where another try is left; else why not.
[[nodiscard]] Response unproved(const Visit& visit, EnrolmentsUnderWay::Enrolment enrolment, std::string id,
                                const login::EnrolmentStep& step, bool replaces);

}  // namespace securelogin::web
