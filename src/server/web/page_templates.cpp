#include "server/web/page_templates.hpp"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "page_texts.hpp"

namespace securelogin::web {
namespace {

/// A template with what `{{>name}}` stands for in its place, as deep as it goes.
std::string assembled(std::string_view text, std::string_view body)
{
    const std::array<std::pair<std::string_view, std::string_view>, 5> parts{
        {{"{{>body}}", body},
         {"{{>notice}}", texts::kNotice},
         {"{{>new_password}}", texts::kNewPassword},
         {"{{>confirmation}}", texts::kConfirmation},
         {"{{>time}}", texts::kTime}}};
    std::string whole(text);
    for (const auto& [name, part] : parts) {
        for (auto at = whole.find(name); at != whole.npos; at = whole.find(name)) {
            whole.replace(at, name.size(), part);
        }
    }
    return whole;
}

using Templates = std::map<std::string_view, kainjow::mustache::mustache>;

/// What each thread has parsed, until the end of the process.  An object of a thread's own, with a
/// destructor, is made known to the C library, which ends the process where it has no memory for that.
class AllTemplates {
  public:
    Templates& more()
    {
        const std::lock_guard lock(mutex_);
        return *all_.emplace_back(std::make_unique<Templates>());
    }

  private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<Templates>> all_;
};

/// A thread's own: to render one is no constant operation.
Templates& templates()
{
    static AllTemplates all;
    thread_local constinit Templates* own = nullptr;
    if (own == nullptr) own = &all.more();
    return *own;
}

}  // namespace

kainjow::mustache::mustache& template_of(std::string_view body)
{
    auto& parsed = templates();
    const auto found = parsed.find(body);
    if (found != parsed.end()) return found->second;
    return parsed.emplace(body, assembled(texts::kLayout, body)).first->second;
}

}  // namespace securelogin::web
