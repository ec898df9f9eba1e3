namespace LoraOps.Cli.Tests.Reports;

/// <summary>A test of several cases that needs Chromium.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BrowserTheoryAttribute : TheoryAttribute
{
    public BrowserTheoryAttribute()
    {
        if (BrowserFactAttribute.Browser is null)
            Skip = new BrowserFactAttribute().Skip;
    }
}
