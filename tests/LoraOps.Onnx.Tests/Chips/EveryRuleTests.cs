using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.Tests.Chips;

/// <summary>Every rule of every chip has a model that keeps all of the chip's rules and one that breaks this rule alone.</summary>
public sealed class EveryRuleTests
{
    private static readonly Dictionary<string, RuleCase> Cases =
        RuleCases.OfModels.Concat(FileRuleCases.All).ToDictionary(entry => entry.Key, entry => entry.Value, StringComparer.Ordinal);

    public static TheoryData<string, string> RulesOfChips
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var chip in ChipProfiles.All)
            {
                foreach (var rule in chip.Rules.Keys)
                    data.Add(chip.Name, rule);
            }

            return data;
        }
    }

    [Fact]
    public void Every_rule_has_a_case_and_every_case_a_rule() =>
        Assert.Equal(ChipRules.All.Select(rule => rule.Id), Cases.Keys.Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(RulesOfChips))]
    public void A_sound_model_keeps_all_rules(string chip, string rule)
    {
        using var sound = Cases[rule].Sound(ChipProfiles.Find(chip));

        Assert.DoesNotContain(rule, sound.NotChecked());
        Assert.DoesNotContain(Told(sound), told => !IsExpected(chip, told));
    }

    [Theory]
    [MemberData(nameof(RulesOfChips))]
    public void A_broken_model_breaks_this_rule_alone(string chip, string rule)
    {
        using var broken = Cases[rule].Broken(ChipProfiles.Find(chip));

        Assert.DoesNotContain(rule, broken.NotChecked());
        Assert.Equal([rule], Told(broken).Where(told => !IsExpected(chip, told)).Select(told => told.RuleId).Distinct());
        Assert.All(broken.Findings(), finding => Assert.EndsWith(".", finding.Advice, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(RulesOfChips))]
    public void A_rule_demands_in_half_a_sentence_and_advises_in_a_whole_one(string chip, string rule)
    {
        Assert.NotEmpty(chip);
        var told = ChipRules.All.Single(one => one.Id == rule);

        Assert.Matches("^[A-Z].*[^.]$", told.Demand);
        Assert.Matches("^[A-Z].*\\.$", told.Advice);
    }

    private static IReadOnlyList<Finding> Told(Specimen specimen) => specimen.Findings();

    // Nobody outside knows the soc of an MDC 610: its profile says so until the user writes it down.
    private static bool IsExpected(string chip, Finding finding) => chip == "mdc-610" && finding.RuleId == "ASC-10" && finding.Severity == Severity.Warn;
}
