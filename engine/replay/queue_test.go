package replay_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"duroxide/engine/replay"
	"duroxide/history"
)

func reader(queue string, n int) code {
	return func(c *context) (string, error) {
		var got []string
		for range n {
			got = append(got, c.must(c.dequeue(queue)))
		}
		return strings.Join(got, ","), nil
	}
}

func TestMessagesAreReadInOrderWhateverTheTurns(t *testing.T) {
	t.Parallel()
	messages := []replay.Arrival{queued("q", "1"), queued("other", "x"), queued("q", "2"), queued("q", "3")}
	together := start(t, reader("q", 3))
	together.take(messages...)
	require.Equal(t, "1,2,3", together.output())
	apart := start(t, reader("q", 3))
	for _, m := range messages {
		apart.take(m)
		apart.crash()
	}
	require.Equal(t, "1,2,3", apart.output())
	require.Equal(t, kinds(together.committed), kinds(apart.committed))
}

func TestMessagesWaitForTheirReader(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.must(c.event("begin"))
		return reader("q", 3)(c)
	})
	s.take(queued("q", "1"), queued("q", "2"))
	s.crash()
	s.take(raised("begin", ""))
	require.Equal(t, []string{
		"ExternalEvent", "QueueSubscribed", "QueueSubscribed", "QueueSubscribed",
	}, kinds(s.last.Events))
	s.crash()
	s.take(queued("q", "3"))
	require.Equal(t, "1,2,3", s.output())
}

func TestFiftyMessagesAreCaughtUpInOneTurn(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.must(c.timer(1))
		return reader("q", 50)(c)
	})
	for i := range 50 {
		s.take(queued("q", strconv.Itoa(i)))
	}
	s.take(fired(2))
	require.True(t, strings.HasSuffix(s.output(), ",48,49"))
}

func TestQueuesAndSignalsOfOneNameAreIndependent(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		return strings.Join(c.all(c.event("n"), c.dequeue("n")), ","), nil
	})
	s.take(queued("n", "message"))
	require.False(t, s.ended())
	s.crash()
	s.take(raised("n", "signal"))
	require.Equal(t, "signal,message", s.output())
}

func TestAReplacementReadsTheMessageAfterALostRace(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		var got []string
		for len(got) < 2 {
			read := c.dequeue("q")
			if c.race(read, c.timer(1)) == 0 {
				got = append(got, c.must(read))
			}
		}
		return strings.Join(got, ","), nil
	})
	s.take(fired(3), queued("q", "first"))
	require.Equal(t, []string{
		"TimerFired(3)", "QueueSubscriptionCancelled(2)", "QueueSubscribed", "TimerCreated",
		"QueueEventDelivered", "QueueSubscribed", "TimerCreated",
	}, kinds(s.last.Events))
	s.take(queued("q", "second"))
	require.Equal(t, "first,second", s.output())
}

func TestOneOfTwoSiblingReadersTakesOneMessage(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		winner := c.race(c.dequeue("q"), c.dequeue("q"), c.timer(1))
		return fmt.Sprint(winner, c.must(c.dequeue("q"))), nil
	})
	s.take(queued("q", "1"), queued("q", "2"))
	require.Equal(t, "02", s.output())
}

func TestAHeldReaderKeepsItsMessage(t *testing.T) {
	t.Parallel()
	run := func(c *context) (string, error) {
		held := c.dequeue("q")
		second := c.must(c.dequeue("q"))
		c.must(c.event("go"))
		return c.must(held) + "," + second, nil
	}
	s := start(t, run)
	s.take(queued("q", "1"))
	require.False(t, s.ended())
	s.crash()
	s.take(queued("q", "2"), raised("go", ""))
	require.Equal(t, "1,2", s.output())
}

func TestADroppedReaderLeavesTheMessageToTheNext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		messages []replay.Arrival
		want     string
	}{
		"dropped before":  {[]replay.Arrival{raised("drop", ""), queued("q", "1"), queued("q", "2")}, "1"},
		"dropped between": {[]replay.Arrival{queued("q", "1"), raised("drop", ""), queued("q", "2")}, "2"},
		"dropped after":   {[]replay.Arrival{queued("q", "1"), queued("q", "2"), raised("drop", "")}, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(c *context) (string, error) {
				first, second := c.dequeue("q"), c.dequeue("q")
				c.must(c.event("drop"))
				c.drop(first)
				return c.must(second), nil
			})
			for _, m := range c.messages {
				s.take(m)
				s.crash()
			}
			require.Equal(t, c.want, s.output())
		})
	}
}

func TestAnUnservedReaderThatIsDroppedReadsNothing(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.must(c.timer(1))
		c.drop(c.dequeue("q"))
		return c.must(c.dequeue("q")), nil
	})
	s.take(queued("q", "1"), queued("q", "2"))
	s.take(fired(2))
	require.Equal(t, "1", s.output())
}

func TestUnreadMessagesGoToTheSuccessor(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.dequeue("held")
		c.must(c.dequeue("b"))
		c.must(c.event("next"))
		c.continueAsNew("2")
		return "", nil
	})
	s.take(queued("b", "read"), queued("a", "1"), queued("b", "2"))
	s.crash()
	s.take(queued("a", "3"), queued("c", "4"), raised("next", ""))
	carried := []history.Carried{
		{Name: "a", Data: "1"}, {Name: "b", Data: "2"}, {Name: "a", Data: "3"}, {Name: "c", Data: "4"},
	}
	require.Equal(t, carried, s.ending.Successor.Carried)
	require.Equal(t, "QueueSubscriptionCancelled(2)", kinds(s.last.Events)[3])

	p := params
	p.Execution, p.Carried = 2, carried
	next := startWith(t, reader("a", 3), p)
	require.Equal(t, []string{
		"OrchestrationStarted", "QueueEventDelivered", "QueueEventDelivered", "QueueEventDelivered",
		"QueueEventDelivered", "QueueSubscribed", "QueueSubscribed", "QueueSubscribed",
	}, kinds(next.committed))
	next.crash()
	next.take(queued("a", "5"))
	require.Equal(t, "1,3,5", next.output())
}

func TestManyUnreadMessagesAreCarriedWithoutLoss(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.must(c.event("next"))
		c.continueAsNew("2")
		return "", nil
	})
	s.quick = true
	for range 250 {
		s.take(queued("q", "m"))
	}
	s.take(raised("next", ""))
	require.Len(t, s.ending.Successor.Carried, 250)
}

func TestSignalsBeforeTheirWaitAreLost(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.must(c.timer(1))
		return c.must(c.event("go")), nil
	})
	s.take(raised("go", "early"))
	s.take(raised("go", "early too"), fired(2), raised("go", "in time"))
	require.Equal(t, "in time", s.output())
}

func TestSignalsAndWaitsPairInOrder(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		first, second := c.event("go"), c.event("go")
		c.must(second)
		return strings.Join(c.all(second, first), ","), nil
	})
	s.take(raised("go", "1"))
	s.crash()
	s.take(raised("go", "2"))
	require.Equal(t, "2,1", s.output())
}

func TestADroppedWaitTakesNoSignal(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		first, middle, last := c.event("go"), c.event("go"), c.event("go")
		c.must(c.timer(1))
		c.drop(middle)
		return strings.Join(c.all(first, last), ","), nil
	})
	s.take(fired(5))
	s.crash()
	s.take(raised("go", "1"), raised("go", "2"))
	require.Equal(t, "1,2", s.output())
}

func TestAReplacementWaitNeedsAFreshSignal(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		c.race(c.event("go"), c.timer(1))
		c.must(c.activity("a", "1"))
		return c.must(c.event("go")), nil
	})
	s.take(fired(3), raised("go", "stale"))
	s.crash()
	s.take(done(6, "1"), raised("go", "fresh"))
	require.Equal(t, "fresh", s.output())
}

func TestADeadlineLoopCollectsVotes(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *context) (string, error) {
		var votes []string
		deadline := c.timer(100)
		for {
			vote := c.event("vote")
			for !deadline.done && !vote.done {
				c.block()
			}
			if !vote.done {
				c.drop(vote)
				return strings.Join(votes, ","), nil
			}
			votes = append(votes, c.must(vote))
		}
	})
	s.take(raised("vote", "1"), raised("vote", "2"))
	s.crash()
	s.take(raised("vote", "3"), fired(2), raised("vote", "late"))
	require.Equal(t, "1,2,3", s.output())
}

func TestAReadServedAtOnceStaysBeforeLaterAnswers(t *testing.T) {
	t.Parallel()
	run := func(c *context) (string, error) {
		c.must(c.timer(1))
		other := c.activity("a", "1")
		signal := c.dequeue("p")
		wait := c.event("e")
		read := c.dequeue("q")
		for !other.done && !signal.done && !wait.done && !read.done {
			c.block()
		}
		first := fmt.Sprint(other.done, signal.done, wait.done, read.done)
		c.must(c.event("end"))
		return first, nil
	}
	for _, later := range []replay.Arrival{done(5, "1"), queued("p", "1"), raised("e", "1")} {
		s := start(t, run)
		s.take(queued("q", "m"))
		s.take(fired(2))
		s.take(later)
		s.crash()
		s.take(raised("end", ""))
		require.Equal(t, "false false false true", s.output())
	}
}
