// An import's CSV: whatever a file holds, records come out within their bounds, and reading ends.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/admin/import/csv.hpp"
#include "server/admin/import/import_row.hpp"
#include "tests/fuzz/expect.hpp"

using namespace securelogin::admin;
using securelogin::fuzz::expect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    TextInput input(text);
    CsvReader csv(input);
    std::uint64_t last_line = 0;
    while (csv.next()) {
        expect(csv.line() > last_line && csv.line() <= size + 1);
        last_line = csv.line();
        if (csv.fault()) continue;
        std::size_t octets = 0;
        expect(csv.size() > 0);
        for (std::size_t i = 0; i < csv.size(); ++i) octets += csv.field(i).size();
        expect(octets <= kLongestRow);
    }
    expect(input.position() == size);
    return 0;
}
