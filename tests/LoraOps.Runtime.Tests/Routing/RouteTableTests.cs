using LoraOps.Problems;
using LoraOps.Runtime.Routing;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Routing;

public sealed class RouteTableTests : IDisposable
{
    private const string Cities = """
        {
          // The first rule that matches says.
          "rules": [
            { "name": "trial", "when": { "city": "shanghai" }, "use": { "shanghai@2": 10, "shanghai@1": 90 }, "salt": "2" },
            { "when": { "city": "guang*", "user": "*" }, "use": "guangzhou" },
            { "when": { "city": "guang*" }, "use": "base" },
          ],
          "fallback": "night"
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("guangzhou", "42", "guangzhou")]
    [InlineData("guangdong", "", "guangzhou")]
    [InlineData("guang", null, "base")]
    [InlineData("Guangzhou", "42", "night")]
    [InlineData("beijing", "42", "night")]
    [InlineData(null, "42", "night")]
    public void The_first_rule_whose_conditions_all_hold_says(string? city, string? user, string adapter)
    {
        var attributes = new Dictionary<string, string>();
        if (city is not null)
            attributes["city"] = city;

        if (user is not null)
            attributes["user"] = user;

        Assert.Equal(adapter, Read(Cities).Route("anyone", attributes));
    }

    [Fact]
    public void Percentages_share_keys_out_and_a_key_stays()
    {
        var table = Read(Cities);
        var shanghai = new Dictionary<string, string> { ["city"] = "shanghai" };
        var keys = Enumerable.Range(0, 20_000).Select(at => $"vehicle-{at}").ToList();

        var choices = keys.ConvertAll(key => table.Route(key, shanghai));

        Assert.InRange(choices.Count("shanghai@2".Equals), 1850, 2150);
        Assert.Equal(20_000, choices.Count(choice => choice is "shanghai@1" or "shanghai@2"));
        var again = Read(Cities);
        Assert.Equal(choices, keys.ConvertAll(key => again.Route(key, shanghai)));
    }

    [Fact]
    public void A_growing_first_share_keeps_its_keys()
    {
        var shanghai = new Dictionary<string, string> { ["city"] = "shanghai" };
        var more = Read(Cities.Replace("10,", "35.5,", StringComparison.Ordinal).Replace("90", "64.5", StringComparison.Ordinal));
        var old = Read(Cities);

        Assert.All(
            Enumerable.Range(0, 5000).Select(at => $"{at}").Where(key => old.Route(key, shanghai) == "shanghai@2"),
            key => Assert.Equal("shanghai@2", more.Route(key, shanghai)));
    }

    // Worked out with another implementation: int.from_bytes(sha256(salt + "\0" + key)[:8], "big") % 10000.
    [Theory]
    [InlineData("", "", 3192)]
    [InlineData("", "vehicle-1", 9806)]
    [InlineData("2", "vehicle-1", 8536)]
    [InlineData("盐", "上海-7", 1685)]
    public void The_bucket_of_a_key_is_the_same_everywhere(string salt, string key, int bucket) =>
        Assert.Equal(bucket, RouteRule.Bucket(salt, key));

    [Fact]
    [Raises(ProblemCode.RouteMissing)]
    public void A_request_that_no_rule_matches_is_an_error_without_a_fallback()
    {
        var table = Read("""{ "rules": [ { "when": { "city": "shanghai" }, "use": "shanghai" } ] }""");

        var error = Assert.Throws<LoraOpsException>(() => table.Route("a", new Dictionary<string, string> { ["city"] = "beijing" }));

        Assert.Equal(ProblemCode.RouteMissing, error.Problems[0].Code);
        Assert.Contains("city = 'beijing'", error.Problems[0].What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "no JSON")]
    [InlineData("[]", "must be Object")]
    [InlineData("{}", "no list 'rules'")]
    [InlineData("""{ "rules": {} }""", "no list 'rules'")]
    [InlineData("""{ "rules": [], "falback": "base" }""", "unknown key 'falback'; nearest: 'fallback'")]
    [InlineData("""{ "rules": [], "fallback": 1 }""", "'fallback' of the table is Number")]
    [InlineData("""{ "rules": [], "rules": [] }""", "no JSON")]
    [InlineData("""{ "rules": [ 1 ] }""", "rule 1 is Number")]
    [InlineData("""{ "rules": [ { "when": {} } ] }""", "rule 1 has no 'use'")]
    [InlineData("""{ "rules": [ { "use": [] } ] }""", "'use' of rule 1 is Array")]
    [InlineData("""{ "rules": [ { "name": "n", "use": "" } ] }""", "'use' of rule 'n' is String")]
    [InlineData("""{ "rules": [ { "use": "a", "when": [] } ] }""", "'when' of rule 1 is Array")]
    [InlineData("""{ "rules": [ { "use": "a", "when": { "city": 1 } } ] }""", "'city' of 'when' of rule 1 is Number")]
    [InlineData("""{ "rules": [ { "use": "a", "whem": {} } ] }""", "unknown key 'whem'")]
    [Raises(ProblemCode.RoutesInvalid)]
    public void What_is_no_table_says_where(string json, string reason) => Refused(json, ProblemCode.RoutesInvalid, reason);

    [Theory]
    [InlineData("""{ "a": 10, "b": 80 }""", "the sum is 90")]
    [InlineData("""{ "a": 10, "b": 90.5 }""", "the sum is 100.5")]
    [InlineData("{}", "the sum is 0")]
    [InlineData("""{ "a": 33.333, "b": 66.667 }""", "'a' has 33.333")]
    [InlineData("""{ "a": -1, "b": 101 }""", "'a' has -1")]
    [InlineData("""{ "a": 1e400 }""", "'a' has 1e400")]
    [InlineData("""{ "a": "100" }""", "'a' has")]
    [Raises(ProblemCode.RouteSharesInvalid)]
    public void Percentages_add_up_to_100(string use, string reason) =>
        Refused($$"""{ "rules": [ { "use": {{use}} } ] }""", ProblemCode.RouteSharesInvalid, reason);

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        var error = Assert.Throws<LoraOpsException>(() => Read("""{ "rules": [ { "use": { "a": 1 } }, {} ], "fallback": "" }"""));

        Assert.Equal(3, error.Problems.Count);
    }

    [Fact]
    public void A_file_that_is_too_long_is_not_read() => Refused(new string(' ', (1 << 20) + 1), ProblemCode.RoutesInvalid, "more than 1048576");

    [Fact]
    [Raises(ProblemCode.RouteTargetUnknown)]
    public void Targets_that_there_are_not_are_found_before_a_request_is()
    {
        var problems = Read(Cities).Check(["shanghai@1", "guangzhou", "nite"]);

        Assert.Equal([ProblemCode.RouteTargetUnknown, ProblemCode.RouteTargetUnknown], problems.Select(problem => problem.Code));
        Assert.Contains(
            "rule 'trial' leads to the adapter 'shanghai@2', which there is not; nearest: 'shanghai@1'", problems[0].What, StringComparison.Ordinal);
        Assert.Contains("the fallback leads to the adapter 'night'", problems[1].What, StringComparison.Ordinal);
    }

    private void Refused(string json, ProblemCode code, string reason)
    {
        var problem = Assert.Throws<LoraOpsException>(() => Read(json)).Problems[0];
        Assert.Equal(code, problem.Code);
        Assert.Contains(reason, problem.What, StringComparison.Ordinal);
    }

    private RouteTable Read(string json)
    {
        File.WriteAllText(_folder["routes.json"], json);
        return RouteTable.Read(_folder["routes.json"]);
    }
}
