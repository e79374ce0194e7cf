package memory

import "context"

// Resume ends the hold of an instance.
func (p *Provider) Resume(ctx context.Context, id string) (held bool, err error) {
	err = p.do(ctx, "resume", func(s *store) error {
		in := s.living(id)
		if in == nil {
			return notFound("resume", id)
		}
		if held = in.held() != nil; held {
			in.hold = nil
			s.offerInstance(in)
		}
		return nil
	})
	return held, err
}
