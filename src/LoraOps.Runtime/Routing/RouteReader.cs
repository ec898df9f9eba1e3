using System.Globalization;
using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Runtime.Routing;

/// <summary>Reads a table of routes from JSON and names everything that is wrong with it.</summary>
internal sealed class RouteReader(string path)
{
    private static readonly JsonDocumentOptions Options = new()
    {
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
        AllowDuplicateProperties = false,
    };

    private readonly List<Problem> _problems = [];

    /// <summary>Reads it.</summary>
    /// <exception cref="LoraOpsException">It is not a table.</exception>
    public RouteTable Read(ReadOnlyMemory<byte> json)
    {
        using var document = Parse(json);
        var root = document.RootElement;
        Expect(root, JsonValueKind.Object, "the table", "rules", "fallback");
        var rules = new List<RouteRule>();
        if (Field(root, "rules") is { ValueKind: JsonValueKind.Array } list)
            rules.AddRange(list.EnumerateArray().Select(Rule));
        else
            Wrong("the table has no list 'rules'");

        var table = new RouteTable(path, rules, Text(root, "fallback", "the table"));
        return _problems.Count == 0 ? table : throw new LoraOpsException(_problems);
    }

    private JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json, Options);
        }
        catch (JsonException error)
        {
            throw new LoraOpsException(RouteProblems.Invalid(path, $"is no JSON: {error.Message.TrimEnd('.')}"));
        }
    }

    private RouteRule Rule(JsonElement element, int at)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"rule {at + 1}");
        if (!Expect(element, JsonValueKind.Object, name, "name", "when", "use", "salt"))
            return new RouteRule(name, [], [], "");

        name = Text(element, "name", name) is { } given ? $"rule '{given}'" : name;
        return new RouteRule(name, Conditions(element, name), Shares(element, name), Text(element, "salt", name) ?? "");
    }

    private List<RouteCondition> Conditions(JsonElement rule, string name)
    {
        var conditions = new List<RouteCondition>();
        if (Field(rule, "when") is not { } when || !Expect(when, JsonValueKind.Object, $"'when' of {name}"))
            return conditions;

        foreach (var property in when.EnumerateObject())
        {
            if (Text(when, property.Name, $"'when' of {name}") is { } pattern)
                conditions.Add(new RouteCondition(property.Name, pattern));
        }

        return conditions;
    }

    private List<RouteShare> Shares(JsonElement rule, string name)
    {
        if (Field(rule, "use") is not { ValueKind: JsonValueKind.Object } use)
        {
            if (Text(rule, "use", name) is { } adapter)
                return [new RouteShare(adapter, RouteShare.Whole)];

            if (Field(rule, "use") is null)
                Wrong($"{name} has no 'use'");

            return [];
        }

        var shares = new List<RouteShare>();
        foreach (var property in use.EnumerateObject())
        {
            if (Hundredths(property.Value) is { } hundredths)
                shares.Add(new RouteShare(property.Name, hundredths));
            else
                _problems.Add(RouteProblems.SharesInvalid(path, name, $"'{property.Name}' has {property.Value.GetRawText()}"));
        }

        var sum = shares.Sum(share => share.Hundredths);
        if (shares.Count == use.EnumerateObject().Count() && sum != RouteShare.Whole)
            _problems.Add(RouteProblems.SharesInvalid(path, name, string.Create(CultureInfo.InvariantCulture, $"the sum is {sum / 100m}")));

        return shares;
    }

    private static int? Hundredths(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var percent) && percent is >= 0 and <= 100
            && decimal.Truncate(percent * 100) == percent * 100
                ? (int)(percent * 100)
                : null;

    private static JsonElement? Field(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    private string? Text(JsonElement element, string name, string where)
    {
        if (Field(element, name) is not { } value)
            return null;

        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text)
            return text;

        Wrong($"'{name}' of {where} is {value.ValueKind} and must be a text that is not empty");
        return null;
    }

    private bool Expect(JsonElement element, JsonValueKind kind, string what, params IReadOnlyList<string> known)
    {
        if (element.ValueKind != kind)
        {
            Wrong($"{what} is {element.ValueKind} and must be {kind}");
            return false;
        }

        foreach (var property in element.EnumerateObject().Where(property => known.Count > 0 && !known.Contains(property.Name)))
            Wrong($"{what} has the unknown key '{property.Name}'{NearMisses.Phrase(property.Name, known)}");

        return true;
    }

    private void Wrong(string reason) => _problems.Add(RouteProblems.Invalid(path, reason));
}
