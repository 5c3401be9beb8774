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

std::string_view Requests::path_asked() const noexcept
{
    const auto unread = reader_.unread();
    const auto line = unread.substr(0, unread.find_first_of("\r\n"));
    const auto method_end = line.find(' ');
    if (method_end == line.npos) return {};
    const auto target = line.substr(method_end + 1);
    return target.substr(0, target.find_first_of(" ?"));
}

void Requests::forget() noexcept
{
    next_.reset();
    reader_.forget();
}

}  // namespace securelogin::web
