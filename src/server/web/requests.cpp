#include "server/web/requests.hpp"

namespace securelogin::web {

const Requests::Next* Requests::next()
{
    if (!next_ && !reader_.empty()) {
        const auto read = reader_.next();
        if (read.request != nullptr || read.refused) next_ = read;
    }
    return next_ ? &*next_ : nullptr;
}

void Requests::done() noexcept
{
    next_.reset();
    reader_.done();
}

void Requests::forget() noexcept
{
    next_.reset();
    reader_.forget();
}

}  // namespace securelogin::web
